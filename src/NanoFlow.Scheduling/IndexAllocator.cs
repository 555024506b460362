// Hands out device resources that are known by a number: KV pages and sequence slots.
//
// A step in flight still reads and writes what it names. So an index released with lastStep, the
// number of the last submitted step that names it, is quarantined until that step has completed;
// only then is it free again. Steps complete in order and at most two are in flight, therefore two
// lists suffice, told apart by the parity of the step.
// Every index is at any time in exactly one place: free, held, or on one quarantine list.

namespace NanoFlow.Scheduling;

internal sealed class IndexAllocator
{
    private const int End = -1;
    private const int Held = -2;

    private readonly int[] _next; // link of the list an index is on, or Held
    private readonly int[] _quarantine = [End, End];
    private int _free;
    private long _completed;

    public IndexAllocator(int count)
    {
        _next = new int[count];
        for (var i = 0; i < count; i++)
        {
            _next[i] = i + 1 < count ? i + 1 : End;
        }
        _free = count > 0 ? 0 : End;
        FreeCount = count;
    }

    public int Count => _next.Length;

    public int FreeCount { get; private set; }

    public int QuarantinedCount { get; private set; }

    public int HeldCount => Count - FreeCount - QuarantinedCount;

    /// <summary>Takes a free index; the caller has checked that there is one.</summary>
    public int Take()
    {
        if (_free == End)
        {
            throw new InvalidOperationException("No index is free.");
        }
        var index = _free;
        _free = _next[index];
        _next[index] = Held;
        FreeCount--;
        return index;
    }

    /// <summary>Gives an index back. <paramref name="lastStep"/>: the last submitted step that
    /// names it, completed or not.</summary>
    public void Release(int index, long lastStep)
    {
        if (_next[index] != Held)
        {
            throw new InvalidOperationException($"Index {index} was released twice.");
        }
        if (lastStep <= _completed)
        {
            _next[index] = _free;
            _free = index;
            FreeCount++;
            return;
        }
        ref var list = ref _quarantine[lastStep & 1];
        _next[index] = list;
        list = index;
        QuarantinedCount++;
    }

    public void StepCompleted(long step)
    {
        _completed = step;
        ref var list = ref _quarantine[step & 1];
        while (list != End)
        {
            var index = list;
            list = _next[index];
            _next[index] = _free;
            _free = index;
            QuarantinedCount--;
            FreeCount++;
        }
    }

    public bool IsHeld(int index) => _next[index] == Held;

    /// <summary>Counts what is on the lists themselves; for <see cref="Invariants"/>.</summary>
    public (int Free, int Quarantined) CountLists() =>
        (Length(_free), Length(_quarantine[0]) + Length(_quarantine[1]));

    private int Length(int head)
    {
        var length = 0;
        // A list longer than all indices has a cycle; stop there.
        for (var index = head; index >= 0 && length <= Count; index = _next[index])
        {
            length++;
        }
        return length;
    }
}
