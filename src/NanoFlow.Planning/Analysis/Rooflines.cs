// What a step costs by its largest demands alone: the analysis of arXiv 2408.12757v2, section 3.
// At the largest batch all memory is read once a step, dense products take 2 FLOPs a parameter and
// token, and a tensor-parallel layer sends its activations four times.
//
// Where the paper leaves a reading open, the one that its tables follow is taken: the network's
// bandwidth is that of one direction, and a ring of N devices sends 2 (N - 1) / N of its data.

namespace NanoFlow.Planning.Analysis;

public static class Rooflines
{
    // Two all-gathers and an all-reduce a layer, or two all-reduces; an all-reduce moves twice
    // what an all-gather does.
    private const int TransfersPerLayer = 4;

    /// <summary>Sequences that fit beside the weights.</summary>
    /// <param name="weightBytes">Of the whole model.</param>
    /// <param name="memoryShare">What may be used of the memory.</param>
    public static double Sequences(
        DecoderShape model,
        Cluster cluster,
        Workload workload,
        NumberFormat format,
        double weightBytes,
        double memoryShare = 1) =>
        (memoryShare * cluster.MemoryBytes - weightBytes)
            / (model.KvBytes(format) * workload.MeanContext);

    /// <summary>T_R, memory time over compute time of a step with the largest batch: below 1 the
    /// service is bound by compute.</summary>
    /// <param name="activeParameters">Of the model, for one token.</param>
    public static double MemoryRatio(
        DecoderShape model,
        Cluster cluster,
        Workload workload,
        double activeParameters,
        double weightBytes)
    {
        const NumberFormat Format = NumberFormat.Bf16;
        var sequences = Sequences(model, cluster, workload, Format, weightBytes);
        var rows = sequences / workload.DecodeShare;
        var memory = cluster.MemoryBytes / cluster.MemoryBytesPerSecond;
        return memory / (2 * rows * activeParameters / cluster.Flops(Format));
    }

    /// <summary>Bytes that all devices of a tensor-parallel cluster send for one row.</summary>
    public static double NetworkBytes(DecoderShape model, int deviceCount, NumberFormat format) =>
        TransfersPerLayer * (deviceCount - 1.0) * model.Hidden * (int)format * model.Layers;

    /// <summary>T_net / T_comp of a tensor-parallel step.</summary>
    public static double NetworkRatio(DecoderShape model, Cluster cluster)
    {
        const NumberFormat Format = NumberFormat.Bf16;
        var network = NetworkBytes(model, cluster.Count, Format) / cluster.NetworkBytesPerSecond;
        return network / (2 * model.ActiveParameters / cluster.Flops(Format));
    }

    /// <summary>Tokens a second and device, of prompts and answers, that GEMMs alone
    /// allow.</summary>
    public static double OptimalTokensPerSecond(
        DecoderShape model, Accelerator accelerator, NumberFormat format) =>
        accelerator.MeasuredFlops(format) / (2 * model.ActiveParameters);
}
