// What the paper printed: the figures that ours are held against.

namespace NanoFlow.Planning.Analysis;

/// <param name="ActiveParameters">That the row's cells follow.</param>
/// <param name="WeightBytes">That the row's cells follow.</param>
/// <param name="Cells">By workload of the table.</param>
public sealed record PublishedMemoryRatio(
    string Model,
    int DeviceCount,
    double ActiveParameters,
    double WeightBytes,
    IReadOnlyList<double> Cells);

public sealed record PublishedNetworkRatio(string Accelerator, double Cell);

/// <param name="TokensPerSecond">A device.</param>
public sealed record PublishedOptimum(string Model, double TokensPerSecond);

/// <param name="EstimatedMilliseconds">Of compute, memory and network.</param>
public sealed record PublishedOperation(
    string Name,
    double Gflop,
    double Gigabytes,
    IReadOnlyList<double> EstimatedMilliseconds,
    double MeasuredMilliseconds);

/// <summary>Tokens a second and device: one after the other whole, one after the other in
/// nano-batches, and overlapped.</summary>
public sealed record PublishedAblation(
    string Workload, double Sequential, double Split, double Overlapped);

public sealed class Published
{
    private const int MaxRows = 64;

    private Published(DataSection root)
    {
        var memory = root.Section("memory_ratio");
        MemoryRatios = memory.List("rows", 1, MaxRows, ReadMemoryRatio);
        NetworkRatios = root.Section("network_ratio").List("rows", 1, MaxRows, section =>
            new PublishedNetworkRatio(
                section.Name("accelerator"), section.Number("cell", 0, 100)));
        Optima = root.Section("optimum").List("rows", 1, MaxRows, section =>
            new PublishedOptimum(
                section.Name("model"),
                section.Number("tokens_per_second", 1, 1e9)
                    * 100 / section.Number("share_percent", 1, 100)));
        var operations = root.Section("operations");
        Operations = operations.List("rows", 1, MaxRows, ReadOperation);
        Ablation = root.Section("ablation").List("rows", 1, MaxRows, section =>
            new PublishedAblation(
                section.Name("workload"),
                section.Number("sequential", 1, 1e9),
                section.Number("split", 1, 1e9),
                section.Number("overlapped", 1, 1e9)));
    }

    /// <summary>Of the cells of MemoryRatios.</summary>
    public static IReadOnlyList<string> RatioWorkloads { get; } =
        ["LMSYS", "Splitwise", "ShareGPT", "512-512", "1024-512", "512-1024"];

    public static Published Tables { get; } = new(
        DataSection.Parse(AnalysisData.Resource("published.json"), "published.json"));

    /// <summary>Of all tables but NetworkRatios, which have each its own.</summary>
    public static Accelerator Accelerator => AnalysisData.AcceleratorOf("A100-80G");

    /// <summary>Of NetworkRatios, Operations and Ablation.</summary>
    public static DecoderShape Model => AnalysisData.ModelOf("Llama-2-70B");

    public static int DeviceCount => 8;

    /// <summary>Rows of a step of Operations and Ablation.</summary>
    public static int StepRows => 2048;

    /// <summary>Of Operations.</summary>
    public static Workload OperationsWorkload => AnalysisData.WorkloadOf("512-1024");

    public IReadOnlyList<PublishedMemoryRatio> MemoryRatios { get; }

    public IReadOnlyList<PublishedNetworkRatio> NetworkRatios { get; }

    public IReadOnlyList<PublishedOptimum> Optima { get; }

    public IReadOnlyList<PublishedOperation> Operations { get; }

    public IReadOnlyList<PublishedAblation> Ablation { get; }

    private static PublishedMemoryRatio ReadMemoryRatio(DataSection section) => new(
        section.Name("model"),
        section.Int("devices", 1, 1024),
        1e9 * section.Number("parameters_billion", 0.001, 1e6),
        1e9 * section.Number("weights_gb", 0.001, 1e6),
        section.Numbers("cells", RatioWorkloads.Count, 0, 100));

    private static PublishedOperation ReadOperation(DataSection section) => new(
        section.Name("name"),
        section.Number("gflop", 0, 1e9),
        section.Number("gb", 0, 1e9),
        section.Numbers("estimated_ms", 3, 0, 1e6),
        section.Number("measured_ms", 0, 1e6));
}
