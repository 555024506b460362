namespace NanoFlow.Engine;

public enum PlanSource
{
    /// <summary>None: every step is sequential.</summary>
    Sequential,

    /// <summary>The cached plan file of this model and device, where there is one.</summary>
    Cached,

    /// <summary>The cached file; where there is none, plans are looked for before anything is
    /// served.</summary>
    Auto,

    /// <summary>One file, which must be for this model and device.</summary>
    File,
}

/// <summary>Where the plans of an engine come from.</summary>
public sealed record PlanChoice
{
    private PlanChoice(PlanSource source, string? path)
    {
        Source = source;
        Path = path;
    }

    public static PlanChoice Sequential { get; } = new(PlanSource.Sequential, null);

    public static PlanChoice Cached { get; } = new(PlanSource.Cached, null);

    public static PlanChoice Auto { get; } = new(PlanSource.Auto, null);

    public PlanSource Source { get; }

    /// <summary>Of a file; otherwise null.</summary>
    public string? Path { get; }

    public static PlanChoice File(string path) => new(PlanSource.File, path);
}
