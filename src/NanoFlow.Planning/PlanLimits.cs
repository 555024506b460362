namespace NanoFlow.Planning;

/// <summary>Bounds of a plan, and of the file it comes from.</summary>
public static class PlanLimits
{
    /// <summary>NF_MAX_LANES; partitions need no more than lanes.</summary>
    public const int Lanes = 16;

    /// <summary>NF_MAX_NANO_OPS.</summary>
    public const int NanoOps = 4096;

    /// <summary>NF_MAX_ORDER_EDGES.</summary>
    public const int OrderEdges = 4096;

    /// <summary>Rows of a step that the native core accepts.</summary>
    public const int StepRows = 1 << 17;

    /// <summary>Units and kernel rows are 16 bits wide in the ABI.</summary>
    public const int Units = ushort.MaxValue;

    /// <summary>Plans of one engine: each is lowered when the engine starts.</summary>
    public const int Buckets = 64;

    /// <summary>Tokens that a row attends; models made for a million exist.</summary>
    public const int Context = 1 << 22;

    /// <summary>Ops of a graph, all segments together.</summary>
    public const int GraphOps = 256;

    /// <summary>LLaMA 3.1 405B has 126.</summary>
    public const int Layers = 1024;

    /// <summary>Eleven days: no time of a layer or a step is longer.</summary>
    public const double Microseconds = 1e12;

    /// <summary>Characters of a name in a graph.</summary>
    public const int NameLength = 64;

    /// <summary>Characters of the name of a model or device.</summary>
    public const int TextLength = 256;

    /// <summary>A nano-op with its prediction takes about 150 bytes: a full plan, or 64 plans of
    /// 400 nano-ops.</summary>
    public const int FileBytes = 4 * 1024 * 1024;
}
