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

    /// <summary>A full plan takes about 150 bytes a nano-op.</summary>
    public const int FileBytes = 4 * 1024 * 1024;
}
