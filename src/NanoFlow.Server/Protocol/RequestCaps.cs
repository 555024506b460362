// How much of something one request may ask for, where the owner of a server may want less or more
// than the usual. What no server can do has its bound in ServerLimits.

namespace NanoFlow.Server.Protocol;

public sealed record RequestCaps
{
    // Follows from advisories about servers that had none: a request costs n sequences.
    public const int DefaultMaxN = 16;

    /// <summary>Choices per prompt; at most ServerLimits.MaxChoices.</summary>
    public int MaxN
    {
        get;
        init => field = InRange(value, 1, ServerLimits.MaxChoices);
    } = DefaultMaxN;

    /// <summary>Alternatives reported with a token; at most ServerLimits.MaxLogProbs.</summary>
    public int MaxLogProbs
    {
        get;
        init => field = InRange(value, 0, ServerLimits.MaxLogProbs);
    } = ServerLimits.MaxLogProbs;

    /// <summary>At most ServerLimits.MaxStopStrings.</summary>
    public int MaxStopStrings
    {
        get;
        init => field = InRange(value, 1, ServerLimits.MaxStopStrings);
    } = ServerLimits.MaxStopStrings;

    /// <summary>Entries; at most ServerLimits.MaxBiasEntries.</summary>
    public int MaxLogitBias
    {
        get;
        init => field = InRange(value, 0, ServerLimits.MaxBiasEntries);
    } = ServerLimits.MaxBiasEntries;

    private static int InRange(int value, int least, int most)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, least);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, most);
        return value;
    }
}
