namespace NanoFlow.Scheduling;

/// <summary>What was scheduled.</summary>
public readonly record struct StepInfo
{
    public required long Number { get; init; }

    public required int SequenceCount { get; init; }

    public required int DecodeCount { get; init; }

    public required int RowCount { get; init; }

    public required int PageCount { get; init; }

    /// <summary>Tokens drawn and prompt tokens scored.</summary>
    public required int SampleCount { get; init; }

    /// <summary>Prompt tokens scored.</summary>
    public required int ScoreCount { get; init; }

    /// <summary>Tokens that the rows attend, summed over rows: each its own and those before it.
    /// Sliding windows are not known here.</summary>
    public required long AttendedTokens { get; init; }

    /// <summary>Tokens that the part of a row has reached at its end, summed over rows. For a
    /// decode row that is what it attends.</summary>
    public required long ReachedTokens { get; init; }
}

/// <summary>Adds up the parts of a step while they are written.</summary>
internal struct StepTotals
{
    private int _sequences;
    private int _decode;
    private int _rows;
    private int _pages;
    private int _samples;
    private int _scores;
    private long _attended;
    private long _reached;

    public void Add(in SequencePart part, int pages)
    {
        _sequences++;
        _decode += part.IsDecode ? 1 : 0;
        _rows += part.RowCount;
        _pages += pages;
        _samples += part.SampleCount;
        _scores += part.Scores;
        long rows = part.RowCount;
        _attended += rows * part.Position + rows * (rows + 1) / 2;
        _reached += rows * (part.Position + rows);
    }

    public readonly StepInfo Info(long number) => new()
    {
        Number = number,
        SequenceCount = _sequences,
        DecodeCount = _decode,
        RowCount = _rows,
        PageCount = _pages,
        SampleCount = _samples,
        ScoreCount = _scores,
        AttendedTokens = _attended,
        ReachedTokens = _reached,
    };
}
