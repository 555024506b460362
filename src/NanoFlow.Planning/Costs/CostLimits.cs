namespace NanoFlow.Planning;

/// <summary>Bounds of a cost table, and of the file it comes from.</summary>
public static class CostLimits
{
    /// <summary>23 ops at 40 sizes on 16 numbers of units at 4 contexts are 58,880.</summary>
    public const int OpRows = 65_536;

    public const int PairRows = 65_536;

    public const int UnitChoices = 1024;

    /// <summary>A measured launch takes some time, if only a nanosecond.</summary>
    public const double MinMicroseconds = 1e-3;

    /// <summary>Seventeen minutes: no launch takes longer.</summary>
    public const double MaxMicroseconds = 1e9;

    /// <summary>Below 1 only by the noise of the measurement.</summary>
    public const double MinSlowDown = 0.1;

    public const double MaxSlowDown = 1000;

    /// <summary>GFLOP/s or GB/s; a rack of accelerators has less.</summary>
    public const double Peak = 1e12;

    /// <summary>A row takes about 100 bytes: all rows that are allowed.</summary>
    public const int FileBytes = 16 * 1024 * 1024;
}
