namespace NanoFlow.Scheduling;

/// <summary>The limits a scheduler works within. All counts come from the engine's memory
/// plan.</summary>
public sealed record SchedulerOptions
{
    /// <summary>Sequences that run at the same time, and device slots for their state.</summary>
    public required int MaxSequences { get; init; }

    /// <summary>Rows of one step: decode rows first, the rest is filled with prefill
    /// chunks.</summary>
    public required int MaxStepRows { get; init; }

    /// <summary>Longest sequence, prompt and output together.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>Tokens of a KV page.</summary>
    public required int PageTokens { get; init; }

    /// <summary>KV pages of the device.</summary>
    public required int PageCount { get; init; }
}
