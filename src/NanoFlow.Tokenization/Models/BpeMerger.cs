// Merges the symbols of one word: again and again the pair of lowest rank, the leftmost of equals.
// Short words scan for it. Long ones keep the candidates in a heap over a linked list of symbols,
// n log n steps for n symbols, so a megabyte without a space is no attack.

namespace NanoFlow.Tokenization.Models;

internal sealed class BpeMerger
{
    // Below this a scan of an array beats the heap.
    private const int ScanLimit = 48;

    // Four children a node: half the levels of a binary heap, and siblings share a cache line.
    private const int Arity = 4;
    private const int Last = -1;
    private const int Gone = -2;

    private int[] _ids = new int[ScanLimit];
    private readonly int[] _ranks = new int[ScanLimit];
    private int[] _previous = [];
    private int[] _next = [];
    private ulong[] _heap = [];
    private int _heapCount;

    public int Count { get; private set; }

    public int Capacity => _ids.Length;

    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    public void Clear() => Truncate(0);

    public void Truncate(int count) => Count = count;

    public void Add(int id)
    {
        if (Count == _ids.Length)
        {
            Array.Resize(ref _ids, Count * 2);
        }
        _ids[Count++] = id;
    }

    public void Merge(BpeMerges merges)
    {
        if (Count <= ScanLimit)
        {
            MergeByScan(merges);
        }
        else
        {
            MergeByHeap(merges);
        }
    }

    private void MergeByScan(BpeMerges merges)
    {
        for (var i = 0; i + 1 < Count; i++)
        {
            _ranks[i] = merges.Find(_ids[i], _ids[i + 1], out _);
        }
        while (Count > 1)
        {
            var best = 0;
            for (var i = 1; i + 1 < Count; i++)
            {
                best = _ranks[i] < _ranks[best] ? i : best;
            }
            if (_ranks[best] == BpeMerges.NoRank)
            {
                return;
            }
            merges.Find(_ids[best], _ids[best + 1], out _ids[best]);
            var tail = Count - best - 2;
            _ids.AsSpan(best + 2, tail).CopyTo(_ids.AsSpan(best + 1));
            _ranks.AsSpan(best + 1, tail).CopyTo(_ranks.AsSpan(best));
            Count--;
            RankAt(merges, best);
            RankAt(merges, best - 1);
        }
    }

    private void RankAt(BpeMerges merges, int at)
    {
        if (at >= 0 && at + 1 < Count)
        {
            _ranks[at] = merges.Find(_ids[at], _ids[at + 1], out _);
        }
    }

    private void MergeByHeap(BpeMerges merges)
    {
        Link();
        for (var i = 0; i + 1 < Count; i++)
        {
            PushPair(merges, i);
        }
        while (_heapCount > 0)
        {
            var candidate = Pop();
            var at = (int)(uint)candidate;
            var rank = (int)(candidate >> 32);
            var right = _next[at];
            if (right < 0 || merges.Find(_ids[at], _ids[right], out var merged) != rank)
            {
                continue;
            }
            _ids[at] = merged;
            _next[at] = _next[right];
            _next[right] = Gone;
            if (_next[at] >= 0)
            {
                _previous[_next[at]] = at;
                PushPair(merges, at);
            }
            if (_previous[at] >= 0)
            {
                PushPair(merges, _previous[at]);
            }
        }
        Compact();
    }

    private void Link()
    {
        if (_next.Length < Count)
        {
            _next = new int[_ids.Length];
            _previous = new int[_ids.Length];
        }
        for (var i = 0; i < Count; i++)
        {
            _previous[i] = i - 1;
            _next[i] = i + 1 < Count ? i + 1 : Last;
        }
        _heapCount = 0;
    }

    private void Compact()
    {
        var kept = 0;
        for (var i = 0; i >= 0; i = _next[i])
        {
            _ids[kept++] = _ids[i];
        }
        Count = kept;
    }

    // Heap order: rank, then position. Candidates that no longer hold are skipped when popped.
    private void PushPair(BpeMerges merges, int left)
    {
        var rank = merges.Find(_ids[left], _ids[_next[left]], out _);
        if (rank == BpeMerges.NoRank)
        {
            return;
        }
        if (_heapCount == _heap.Length)
        {
            Array.Resize(ref _heap, Math.Max(256, _heap.Length * 2));
        }
        var at = _heapCount++;
        var value = (ulong)(uint)rank << 32 | (uint)left;
        while (at > 0 && _heap[(at - 1) / Arity] > value)
        {
            _heap[at] = _heap[(at - 1) / Arity];
            at = (at - 1) / Arity;
        }
        _heap[at] = value;
    }

    private ulong Pop()
    {
        var heap = _heap.AsSpan(0, _heapCount - 1);
        var top = _heap[0];
        var value = _heap[--_heapCount];
        var at = 0;
        while (Arity * at + 1 < heap.Length)
        {
            var child = Arity * at + 1;
            var end = Math.Min(child + Arity, heap.Length);
            for (var other = child + 1; other < end; other++)
            {
                child = heap[other] < heap[child] ? other : child;
            }
            if (heap[child] >= value)
            {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
        _heap[at] = value;
        return top;
    }
}
