// What must be true of a scheduler between any two calls. The product checks a part whenever it is
// idle and all of it when it has drained; the simulation checks it after every tick. Allocates only
// when something is wrong.

namespace NanoFlow.Scheduling;

internal sealed class Invariants
{
    private readonly Scheduler _scheduler;
    private readonly bool[] _pageOwned;
    private readonly bool[] _slotOwned;

    public Invariants(Scheduler scheduler)
    {
        _scheduler = scheduler;
        _pageOwned = new bool[scheduler.Options.PageCount];
        _slotOwned = new bool[scheduler.Options.MaxSequences];
    }

    public void Check()
    {
        Array.Clear(_pageOwned);
        Array.Clear(_slotOwned);
        var lastArrival = 0L;
        foreach (var sequence in _scheduler.Running)
        {
            Require(sequence.State == SequenceState.Running, "a running sequence says otherwise");
            Require(sequence.Arrival > lastArrival, "running out of order of arrival");
            lastArrival = sequence.Arrival;
            CheckProgress(sequence);
            CheckScores(sequence);
            CheckRope(sequence);
            CheckMemory(sequence);
        }
        CheckWaiting(lastArrival);
        CheckAllocator(_scheduler.Memory.Pages, _pageOwned);
        CheckAllocator(_scheduler.Memory.Slots, _slotOwned);
        if (_scheduler.IsIdle)
        {
            CheckIdle();
        }
    }

    /// <summary>Everything was given back. O(1).</summary>
    public void CheckIdle()
    {
        Require(_scheduler.IsIdle, "not idle");
        Require(_scheduler.UsedPages == 0, "idle, but pages are in use");
        Require(_scheduler.Memory.Slots.FreeCount == _slotOwned.Length, "idle, but a slot is");
    }

    private static void CheckProgress(Sequence sequence)
    {
        Require(sequence.Pending is >= 0 and <= Scheduler.MaxStepsInFlight, "pending tokens");
        Require(sequence.Computed <= sequence.TokenCount + sequence.Pending, "too far computed");
        Require(
            sequence.NewTokenCount + sequence.Pending <= sequence.DrawLimit,
            "more tokens than the limit");
        Require(
            !sequence.IsDecoding || sequence.Computed == sequence.TokenCount + sequence.Pending - 1,
            "a decoding sequence has not one row left");
    }

    private static void CheckScores(Sequence sequence)
    {
        var scored = sequence.ScoredCount + sequence.PendingScores;
        Require(sequence.PendingScores >= 0 && scored <= sequence.ScoreEnd, "scores miscounted");
        Require(
            sequence.Computed <= scored || scored == sequence.ScoreEnd,
            "a prompt row was left unscored");
    }

    private void CheckRope(Sequence sequence)
    {
        var limit = _scheduler.Options.LongRopeAfter;
        var most = limit > 0 && !sequence.HasLongRope ? limit : int.MaxValue;
        Require(sequence.Computed <= most, "rows of a long sequence without the long rope");
        Require(
            !sequence.HasLongRope || (limit > 0 && sequence.TokenCount > limit),
            "the long rope for a short sequence");
    }

    private void CheckMemory(Sequence sequence)
    {
        var memory = _scheduler.Memory;
        Require(sequence.PageCount >= memory.PagesFor(sequence.Computed), "rows without a page");
        Claim(_slotOwned, sequence.Slot, "a slot has two owners");
        foreach (var page in memory.HeldPages(sequence))
        {
            Claim(_pageOwned, page, "a page has two owners");
        }
    }

    private void CheckWaiting(long lastRunning)
    {
        var count = 0;
        var lastArrival = lastRunning;
        for (var sequence = _scheduler.Waiting.Head; sequence is not null; sequence = sequence.Next)
        {
            count++;
            Require(sequence.State == SequenceState.Waiting, "a waiting sequence says otherwise");
            Require(sequence.Arrival > lastArrival, "waiting out of order of arrival");
            Require(sequence.PageCount == 0 && sequence.Slot < 0, "waiting, but holds memory");
            lastArrival = sequence.Arrival;
        }
        Require(count == _scheduler.WaitingCount, "the queue has lost count");
    }

    private static void CheckAllocator(IndexAllocator allocator, bool[] owned)
    {
        var (free, quarantined) = allocator.CountLists();
        Require(free == allocator.FreeCount, "free pages or slots miscounted");
        Require(quarantined == allocator.QuarantinedCount, "quarantined pages or slots miscounted");
        for (var i = 0; i < owned.Length; i++)
        {
            Require(owned[i] == allocator.IsHeld(i), "held by nobody, or owned but free");
        }
    }

    private static void Claim(bool[] owned, int index, string violation)
    {
        Require(!owned[index], violation);
        owned[index] = true;
    }

    private static void Require(bool condition, string violation)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"Scheduler invariant broken: {violation}.");
        }
    }
}
