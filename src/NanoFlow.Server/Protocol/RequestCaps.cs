// How much of something one request may ask for, where the owner of a server may want less or more
// than the usual. What no server can do has its bound in ServerLimits.

namespace NanoFlow.Server.Protocol;

public sealed record RequestCaps
{
    // Follows from advisories about servers that had none: a request costs n sequences.
    public const int DefaultMaxN = 16;

    /// <summary>Choices per prompt; at most ServerLimits.MaxChoices.</summary>
    public int MaxN { get; init; } = DefaultMaxN;

    /// <summary>Alternatives reported with a token; at most ServerLimits.MaxLogProbs.</summary>
    public int MaxLogProbs { get; init; } = ServerLimits.MaxLogProbs;

    /// <summary>At most ServerLimits.MaxStopStrings.</summary>
    public int MaxStopStrings { get; init; } = ServerLimits.MaxStopStrings;

    /// <summary>Entries; at most ServerLimits.MaxBiasEntries.</summary>
    public int MaxLogitBias { get; init; } = ServerLimits.MaxBiasEntries;
}
