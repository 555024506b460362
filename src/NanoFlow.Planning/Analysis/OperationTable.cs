// What each kind of operation of a tensor-parallel dense decoder has to do in a step, summed over
// layers and devices: FLOPs, bytes of memory and of network, and the time of each by the data
// sheet.

namespace NanoFlow.Planning.Analysis;

/// <param name="MemoryBytes">Operands and results, each once.</param>
/// <param name="NetworkBytes">Sent, over all devices.</param>
public readonly record struct OperationCost(
    string Name, double Flops, double MemoryBytes, double NetworkBytes, Cluster Cluster)
{
    public NumberFormat Format { get; init; } = NumberFormat.Bf16;

    public double ComputeMilliseconds => 1e3 * Flops / Cluster.Flops(Format);

    public double MemoryMilliseconds => 1e3 * MemoryBytes / Cluster.MemoryBytesPerSecond;

    public double NetworkMilliseconds =>
        NetworkBytes == 0 ? 0 : 1e3 * NetworkBytes / Cluster.NetworkBytesPerSecond;

    /// <summary>By the resource it needs most.</summary>
    public double Milliseconds =>
        Math.Max(ComputeMilliseconds, Math.Max(MemoryMilliseconds, NetworkMilliseconds));
}

public static class OperationTable
{
    public const string Qkv = "KQV";
    public const string Output = "O";
    public const string GateUp = "UG";
    public const string Down = "D";
    public const string DecodeAttention = "DecAttn";
    public const string PrefillAttention = "PfAttn";
    public const string Network = "Net";

    public static IReadOnlyList<OperationCost> Of(
        DecoderShape model, Cluster cluster, SteadyBatch batch, NumberFormat format)
    {
        var experts = Math.Max(1, model.ActiveExperts);
        var allExperts = Math.Max(1, model.Experts);
        var prompt = batch.Workload.Prompt;
        var context = batch.Workload.MeanContext;
        var costs = new List<OperationCost>
        {
            Gemm(Qkv, model.Hidden, model.QkvWidth, 1, 1),
            Gemm(Output, model.QueryWidth, model.Hidden, 1, 1),
            Gemm(GateUp, model.Hidden, 2.0 * model.Intermediate, experts, allExperts),
            Gemm(Down, model.Intermediate, model.Hidden, experts, allExperts),
            Attention(
                DecodeAttention, batch.DecodeRows, context, batch.DecodeRows * context),
            Attention(PrefillAttention, batch.PrefillRows, prompt, batch.PrefillKvTokens),
        };
        if (cluster.Count > 1)
        {
            costs.Add(Transfers());
        }
        return costs;

        // [rows, width] times [width, outputs].
        OperationCost Gemm(string name, double width, double outputs, int perRow, int weights)
        {
            var rows = batch.Rows * perRow;
            var elements = weights * width * outputs + rows * (width + outputs);
            return Cost(name, 2 * rows * width * outputs * model.Layers, elements);
        }

        // Queries times keys and weights times values; queries, results and the KV cache move.
        OperationCost Attention(string name, double rows, double attended, double kvTokens)
        {
            var flops = 4 * rows * attended * model.QueryWidth * model.Layers;
            return Cost(name, flops, 2 * rows * model.QueryWidth + 2 * kvTokens * model.KvWidth);
        }

        // An element of an all-reduce is added once a device but the first.
        OperationCost Transfers()
        {
            var bytes = batch.Rows * Rooflines.NetworkBytes(model, cluster.Count, format);
            var flops = 2.0 * (cluster.Count - 1) * batch.Rows * model.Hidden * model.Layers;
            return new OperationCost(Network, flops, bytes, bytes, cluster) { Format = format };
        }

        OperationCost Cost(string name, double flops, double elementsPerLayer)
        {
            var bytes = (int)format * model.Layers * elementsPerLayer;
            return new OperationCost(name, flops, bytes, 0, cluster) { Format = format };
        }
    }
}
