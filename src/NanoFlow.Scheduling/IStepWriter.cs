namespace NanoFlow.Scheduling;

/// <summary>Where the scheduler writes a step, in place: the pinned buffers of a slot in the
/// engine, plain arrays in tests. Sequences arrive in step order: decode first, then prefill
/// chunks.</summary>
public interface IStepWriter
{
    /// <summary>Starts a sequence's part of the step.</summary>
    /// <param name="sequence">Owner of the rows.</param>
    /// <param name="part">Rows, position and flags.</param>
    /// <param name="pages">Its page table, in order of positions.</param>
    /// <param name="tokens">One token a row; -1 for a token that a step in flight will
    /// sample.</param>
    void Add(
        Sequence sequence,
        SequencePart part,
        ReadOnlySpan<int> pages,
        ReadOnlySpan<int> tokens);
}

/// <summary>A sequence's share of a step.</summary>
/// <param name="Slot">Device slot of the sequence: last token and penalty counts live
/// there.</param>
/// <param name="Position">Tokens its pages already hold.</param>
/// <param name="RowCount">Rows in this step.</param>
/// <param name="IsDecode">One row, among the decode rows of the step.</param>
/// <param name="Samples">A token is drawn after the last row.</param>
/// <param name="Scores">So many rows from the first on are samples too: the next token of the
/// prompt is scored. With any of them every row of the part is a sample.</param>
/// <param name="ResetsSlot">First part after the slot got this owner, or after this one started
/// again.</param>
/// <param name="HasLongRope">Its rows, and all before them, are rotated as those of long
/// sequences.</param>
public readonly record struct SequencePart(
    int Slot,
    int Position,
    int RowCount,
    bool IsDecode,
    bool Samples,
    int Scores,
    bool ResetsSlot,
    bool HasLongRope)
{
    public int SampleCount => Scores + (Samples ? 1 : 0);
}
