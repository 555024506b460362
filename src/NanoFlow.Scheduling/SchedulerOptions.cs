namespace NanoFlow.Scheduling;

/// <summary>The limits a scheduler works within. All counts come from the engine's memory
/// plan.</summary>
public sealed record SchedulerOptions
{
    /// <summary>Sequences that run at the same time, and device slots for their state.</summary>
    public required int MaxSequences { get; init; }

    /// <summary>Rows of one step: decode rows first, the rest is filled with prefill chunks. At
    /// least MaxSequences, so that every running sequence can decode in every step.</summary>
    public required int MaxStepRows { get; init; }

    /// <summary>Longest sequence, prompt and output together.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>Tokens of a KV page.</summary>
    public required int PageTokens { get; init; }

    /// <summary>KV pages of the device: enough for one sequence of MaxPositions.</summary>
    public required int PageCount { get; init; }

    /// <summary>Sequences of more tokens have the long rope, in all their positions; 0: none
    /// has.</summary>
    public int LongRopeAfter { get; init; }

    /// <exception cref="ArgumentException">With the option and its range.</exception>
    public void Validate()
    {
        ThrowIfOutside(MaxSequences, 1, int.MaxValue, nameof(MaxSequences));
        ThrowIfOutside(MaxStepRows, MaxSequences, int.MaxValue, nameof(MaxStepRows));
        ThrowIfOutside(MaxPositions, 2, int.MaxValue / 2, nameof(MaxPositions));
        ThrowIfOutside(LongRopeAfter, 0, int.MaxValue, nameof(LongRopeAfter));
        ThrowIfOutside(PageTokens, 1, int.MaxValue / 2, nameof(PageTokens));
        var pagesOfLongest = (MaxPositions + PageTokens - 1) / PageTokens;
        ThrowIfOutside(PageCount, pagesOfLongest, int.MaxValue, nameof(PageCount));
    }

    private static void ThrowIfOutside(int value, int min, int max, string name)
    {
        if (value < min || value > max)
        {
            throw new ArgumentException($"{name} is {value}; allowed are {min} to {max}.");
        }
    }
}
