// First-order bounds of serving: every step reads the weights and the whole KV cache, and
// multiplies every row with every parameter. Attention's FLOPs, activations, network and host are
// left out, which no GPU makes up for; embedding and head are counted for rows that do not need
// them, so a predicted step on a slow device may come out a little above.

namespace NanoFlow.Planning.Analysis;

/// <summary>Answer tokens a second of a cluster.</summary>
/// <param name="Sequences">That fit.</param>
public sealed record ServingBound(double Sequences, double Compute, double Memory)
{
    // Of the memory; the rest is for activations and the system.
    private const double UsableMemory = 0.9;

    /// <summary>Compute and memory one after the other.</summary>
    public double Sequential => 1 / (1 / Compute + 1 / Memory);

    /// <summary>Both at the same time.</summary>
    public double Overlapped => Math.Min(Compute, Memory);

    /// <returns>Null: the weights do not fit.</returns>
    public static ServingBound? Of(
        DecoderShape model, Cluster cluster, Workload workload, NumberFormat format)
    {
        var weights = model.WeightBytes(format);
        var sequences = Rooflines.Sequences(
            model, cluster, workload, format, weights, UsableMemory);
        if (sequences <= 0)
        {
            return null;
        }
        var rows = cluster.Flops(format) / (2 * model.ActiveParameters);
        var step = UsableMemory * cluster.MemoryBytes / cluster.MemoryBytesPerSecond;
        return new ServingBound(sequences, rows * workload.DecodeShare, sequences / step);
    }
}
