// Where memory goes, decided before anything is allocated, and said in figures that add up.

using System.Globalization;

namespace NanoFlow.Engine;

/// <summary>All in bytes, except counts.</summary>
public sealed record MemoryPlan
{
    public required long Weights { get; init; }

    /// <summary>Activations.</summary>
    public required long Arena { get; init; }

    public required long Sampling { get; init; }

    /// <summary>Buffers of the steps and the RoPE table.</summary>
    public required long Steps { get; init; }

    /// <summary>One KV page, all layers.</summary>
    public required long KvPage { get; init; }

    public required int PageCount { get; init; }

    public required int PageTokens { get; init; }

    /// <summary>Mapped while it is packed, and only then; on a device with memory of its own in
    /// the host's.</summary>
    public required long LargestTensor { get; init; }

    /// <summary>Kept on a GPU for workspaces, captured graphs and the driver.</summary>
    public long Reserve { get; init; }

    /// <summary>What may be taken: of the machine or container what was free before, of a GPU the
    /// share that is allowed.</summary>
    public required long Available { get; init; }

    /// <summary>Where that figure comes from; may be empty.</summary>
    public string AvailableFrom { get; init; } = "";

    public long KvCache => KvPage * PageCount;

    public long KvTokens => (long)PageCount * PageTokens;

    public long Fixed => Weights + Arena + Sampling + Steps + Reserve;

    public long Total => Fixed + KvCache;

    public override string ToString() => string.Join('\n',
    [
        Row("weights", Weights),
        Row("activations", Arena),
        Row("sampling", Sampling),
        Row("step buffers", Steps),
        Row("KV cache", KvCache, string.Create(
            CultureInfo.InvariantCulture, $" = {PageCount} pages of {PageTokens} tokens")),
        .. Reserve == 0
            ? (string[])[]
            : [Row("reserve", Reserve, " for workspaces, captured graphs and the driver")],
        Row("total", Total),
        Row("available", Available, AvailableFrom),
    ]);

    internal static string Mib(long bytes) =>
        string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:F1} MiB");

    private static string Row(string name, long bytes, string note = "") =>
        $"{name,-13}{Mib(bytes),14}{note}";
}
