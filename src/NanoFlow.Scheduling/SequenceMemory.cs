// What running sequences hold on the device: one slot each, and a table of KV pages that covers the
// positions they have rows for. Pages are taken when a row needs them and given back all at once.

namespace NanoFlow.Scheduling;

internal sealed class SequenceMemory
{
    private readonly int _pageTokens;
    private readonly int _pagesPerSequence;
    private readonly int[] _tables; // [slots, pages of the longest sequence]

    public SequenceMemory(SchedulerOptions options)
    {
        _pageTokens = options.PageTokens;
        _pagesPerSequence = PagesFor(options.MaxPositions);
        _tables = new int[checked(options.MaxSequences * _pagesPerSequence)];
        Pages = new IndexAllocator(options.PageCount);
        Slots = new IndexAllocator(options.MaxSequences);
    }

    public IndexAllocator Pages { get; }

    public IndexAllocator Slots { get; }

    public int PagesFor(int tokens) => (tokens + _pageTokens - 1) / _pageTokens;

    public void TakeSlot(Sequence sequence) => sequence.Slot = Slots.Take();

    /// <summary>Gives a sequence the pages for its next rows, as far as they reach.</summary>
    /// <returns>How many of the rows have a page.</returns>
    public int Cover(Sequence sequence, int rows)
    {
        var table = Table(sequence.Slot);
        var wanted = PagesFor(sequence.Computed + rows);
        while (sequence.PageCount < wanted && Pages.FreeCount > 0)
        {
            table[sequence.PageCount++] = Pages.Take();
        }
        return Math.Min(rows, sequence.PageCount * _pageTokens - sequence.Computed);
    }

    /// <summary>The pages of the first <paramref name="tokens"/> positions.</summary>
    public ReadOnlySpan<int> PageTable(Sequence sequence, int tokens) =>
        Table(sequence.Slot)[..PagesFor(tokens)];

    /// <summary>All pages a sequence holds.</summary>
    public ReadOnlySpan<int> HeldPages(Sequence sequence) =>
        Table(sequence.Slot)[..sequence.PageCount];

    public void Release(Sequence sequence)
    {
        Slots.Release(sequence.Slot, sequence.LastStep);
        ReleasePages(sequence);
        sequence.Slot = -1;
    }

    /// <summary>Gives up the pages and keeps the slot.</summary>
    public void ReleasePages(Sequence sequence)
    {
        foreach (var page in HeldPages(sequence))
        {
            Pages.Release(page, sequence.LastStep);
        }
        sequence.PageCount = 0;
        sequence.LastStep = 0;
    }

    public void StepCompleted(long step)
    {
        Pages.StepCompleted(step);
        Slots.StepCompleted(step);
    }

    private Span<int> Table(int slot) =>
        _tables.AsSpan(slot * _pagesPerSequence, _pagesPerSequence);
}
