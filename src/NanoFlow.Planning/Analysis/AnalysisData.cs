// Reads the data files: accelerators, models and workloads, ours or the user's. Each entry is
// bounded field by field, and what a file states twice must agree.

namespace NanoFlow.Planning.Analysis;

public static class AnalysisData
{
    private const int MaxEntries = 256;
    private const double MaxTokens = 1 << 24;

    // How far a stated number of parameters may be from that of the shape.
    private const double Tolerance = 0.01;

    public static IReadOnlyList<Accelerator> Accelerators { get; } =
        ReadAccelerators(Resource("accelerators.json"), "accelerators.json");

    public static IReadOnlyList<DecoderShape> Models { get; } =
        ReadModels(Resource("models.json"), "models.json");

    public static IReadOnlyList<Workload> Workloads { get; } =
        ReadWorkloads(Resource("workloads.json"), "workloads.json");

    /// <exception cref="AnalysisDataException">The message names the field.</exception>
    public static IReadOnlyList<Accelerator> ReadAccelerators(
        ReadOnlyMemory<byte> utf8, string source) =>
        Named(utf8, source, "accelerators", ReadAccelerator, one => one.Name);

    /// <exception cref="AnalysisDataException">The message names the field.</exception>
    public static IReadOnlyList<DecoderShape> ReadModels(
        ReadOnlyMemory<byte> utf8, string source) =>
        Named(utf8, source, "models", ReadModel, one => one.Name);

    public static Accelerator AcceleratorOf(string name) =>
        Accelerators.First(one => one.Name == name);

    public static DecoderShape ModelOf(string name) => Models.First(one => one.Name == name);

    public static Workload WorkloadOf(string name) => Workloads.First(one => one.Name == name);

    internal static byte[] Resource(string name)
    {
        using var stream = typeof(AnalysisData).Assembly.GetManifestResourceStream(name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static Workload[] ReadWorkloads(
        ReadOnlyMemory<byte> utf8, string source) =>
        Named(utf8, source, "workloads", ReadWorkload, one => one.Name);

    private static T[] Named<T>(
        ReadOnlyMemory<byte> utf8,
        string source,
        string field,
        Func<DataSection, T> read,
        Func<T, string> nameOf)
    {
        var root = DataSection.Parse(utf8, source);
        var entries = root.List(field, 1, MaxEntries, read);
        var twice = entries.GroupBy(nameOf).FirstOrDefault(group => group.Count() > 1);
        return twice is null
            ? entries
            : throw root.Error(field, $"has two entries of the name '{twice.Key}'");
    }

    private static Accelerator ReadAccelerator(DataSection section)
    {
        var isCpu = section.Name("kind") switch
        {
            "gpu" => false,
            "cpu" => true,
            var kind => throw section.Error("kind", $"is '{kind}', allowed are gpu and cpu"),
        };
        var cores = isCpu ? section.Int("cores", 1, PlanLimits.Units) : 0;
        return new Accelerator(
            section.Name("name"),
            isCpu ? AcceleratorKind.Cpu : AcceleratorKind.Gpu,
            section.Number("memory_gb", 0.001, 1e6),
            section.Number("memory_gbps", 0.001, 1e6),
            section.Number("network_gbps", 0, 1e6, fallback: 0),
            isCpu
                ? cores * section.Number("core_gflops", 0.001, 1e6) / 1000
                : section.Number("tflops", 0.001, 1e6))
        {
            Fp8Tflops = section.Number("fp8_tflops", 0.001, 1e6, fallback: 0),
            MeasuredShare = section.Number("measured_share", 0.01, 1, fallback: 1),
            Cores = cores,
            FullBandwidthCores = isCpu ? section.Int("full_bandwidth_cores", 1, cores) : 0,
        };
    }

    private static DecoderShape ReadModel(DataSection section)
    {
        var experts = section.Int("experts", 0, 1024, fallback: 0);
        var model = new DecoderShape(
            section.Name("name"),
            section.Int("layers", 1, 1024),
            section.Int("hidden", 1, 1 << 17),
            section.Int("heads", 1, 1024),
            section.Int("kv_heads", 1, 1024),
            section.Int("head_dim", 1, 4096),
            section.Int("intermediate", 1, 1 << 20),
            section.Int("vocabulary", 1, 1 << 24))
        {
            Experts = experts,
            ActiveExperts = experts == 0 ? 0 : section.Int("active_experts", 1, experts),
            HasQkvBias = section.Int("qkv_bias", 0, 1, fallback: 0) == 1,
        };
        if (model.Heads % model.KvHeads != 0)
        {
            throw section.Error(
                "kv_heads", $"is {model.KvHeads}, allowed are divisors of heads {model.Heads}");
        }
        var billion = model.Parameters / 1e9;
        var stated = section.Number("parameters_billion", 1e-6, 1e6, fallback: billion);
        return Math.Abs(stated / billion - 1) <= Tolerance
            ? model
            : throw section.Error(
                "parameters_billion",
                FormattableString.Invariant($"is {stated}, but the shape has {billion:F2}"));
    }

    private static Workload ReadWorkload(DataSection section) => new(
        section.Name("name"),
        section.Number("prompt", 1, MaxTokens),
        section.Number("decode", 0, MaxTokens));
}
