// A node of the search: which lanes and orders are decided, and what follows from them if the
// period shall be less than a threshold p / q.
//
// For a given period everything that must wait is a difference "start(j) >= start(i) + w", so the
// longest paths between all pairs say all there is to say: Path[i, j] is the greatest w known. A
// further edge i -> j of weight w is impossible if w + Path[j, i] >= 0: a cycle of weight 0 has the
// threshold itself as its ratio, and that is not less. Weights are q * time - p * height, in
// integers.
//
// All pairs are connected, because of run-ahead. Rows are padded to whole vectors.

using System.Numerics;
using System.Runtime.InteropServices;

namespace NanoFlow.Planning.Search;

internal sealed class Selection
{
    private readonly CyclicProblem _problem;
    private readonly int _stride;
    private readonly long[] _path; // [nano-op, nano-op]

    public Selection(CyclicProblem problem)
    {
        _problem = problem;
        var width = Vector<long>.Count;
        _stride = (problem.Count + width - 1) / width * width;
        _path = new long[problem.Count * _stride];
        Before = new ulong[problem.Count];
        After = new ulong[problem.Count];
        Lane = new int[problem.Count];
        Allowed = new int[problem.Count];
        Time = new long[problem.Count];
        OnLane = new ulong[problem.Lanes];
        Load = new long[problem.Lanes];
    }

    /// <summary>For each nano-op those of its lane that are decided to be earlier.</summary>
    public ulong[] Before { get; }

    /// <summary>For each nano-op those of its lane that are decided to be later.</summary>
    public ulong[] After { get; }

    /// <summary>-1 while it is open.</summary>
    public int[] Lane { get; }

    /// <summary>The lanes that are still possible, as bits.</summary>
    public int[] Allowed { get; }

    /// <summary>q times the duration; the least one while the lane is open.</summary>
    public long[] Time { get; }

    public ulong[] OnLane { get; }

    /// <summary>Sum of the times on each lane.</summary>
    public long[] Load { get; }

    /// <summary>p: the threshold in the unit of times.</summary>
    public long Threshold { get; private set; }

    /// <summary>q.</summary>
    public long Scale { get; private set; }

    public long Path(int from, int to) => _path[(from * _stride) + to];

    /// <summary>The first at 0, in the unit of times.</summary>
    /// <param name="starts">Has MaxNanoOps places, for there is padding.</param>
    public void EarliestStarts(Span<long> starts)
    {
        var row = MemoryMarshal.Cast<long, Vector<long>>(_path.AsSpan());
        var width = _stride / Vector<long>.Count;
        for (var k = 0; k < width; k++)
        {
            var latest = row[k];
            for (var i = 1; i < _problem.Count; i++)
            {
                latest = Vector.Max(latest, row[(i * width) + k]);
            }
            latest.CopyTo(starts[(k * Vector<long>.Count)..]);
        }
    }

    /// <summary>Nothing decided; false if the edges alone reach the threshold.</summary>
    public bool Reset(Period threshold)
    {
        (Threshold, Scale) = (threshold.Time, threshold.Layers);
        Before.AsSpan().Clear();
        After.AsSpan().Clear();
        OnLane.AsSpan().Clear();
        Load.AsSpan().Clear();
        Lane.AsSpan().Fill(-1);
        for (var i = 0; i < _problem.Count; i++)
        {
            Allowed[i] = _problem.AllowedLanes[i];
            Time[i] = Scale * _problem.LeastDuration(i);
            _path.AsSpan(i * _stride, _stride).Fill(Time[i] - (2 * Threshold));
            _path[(i * _stride) + i] = 0;
            if (Time[i] >= Threshold)
            {
                return false;
            }
        }
        foreach (var edge in _problem.Edges)
        {
            if (!Require(edge.From, edge.To, Time[edge.From] - (edge.Height * Threshold)))
            {
                return false;
            }
        }
        return true;
    }

    public void CopyFrom(Selection other)
    {
        (Threshold, Scale) = (other.Threshold, other.Scale);
        other._path.AsSpan().CopyTo(_path);
        other.Before.AsSpan().CopyTo(Before);
        other.After.AsSpan().CopyTo(After);
        other.Lane.AsSpan().CopyTo(Lane);
        other.Allowed.AsSpan().CopyTo(Allowed);
        other.Time.AsSpan().CopyTo(Time);
        other.OnLane.AsSpan().CopyTo(OnLane);
        other.Load.AsSpan().CopyTo(Load);
    }

    /// <summary>Adds start(to) >= start(from) + weight; false if that cannot be.</summary>
    public bool Require(int from, int to, long weight)
    {
        if (weight + Path(to, from) >= 0)
        {
            return false;
        }
        if (weight <= Path(from, to))
        {
            return true;
        }
        var tail = _path.AsSpan(to * _stride, _stride);
        for (var i = 0; i < _problem.Count; i++)
        {
            // A path from i through the edge improves one to anywhere only if it does to `to`.
            var length = Path(i, from) + weight;
            if (length > Path(i, to))
            {
                RaiseTo(_path.AsSpan(i * _stride, _stride), tail, length);
            }
        }
        return true;
    }

    /// <summary>Whether "first before second" has room left; both are on one lane.</summary>
    public bool Fits(int first, int second) => Room(first, second) > 0;

    /// <summary>How much longer one of the waits of "first before second" could be before there
    /// were no schedule below the threshold; not positive: it cannot be.</summary>
    public long Room(int first, int second) => -Math.Max(
        Time[first] + Path(second, first), Time[second] - Threshold + Path(first, second));

    /// <summary>Decides an order on a lane; false if that cannot be.</summary>
    public bool Order(int first, int second)
    {
        After[first] |= 1ul << second;
        Before[second] |= 1ul << first;
        return Require(first, second, Time[first])
            && Require(second, first, Time[second] - Threshold);
    }

    /// <summary>Decides a lane; false if that cannot be.</summary>
    public bool Assign(int nanoOp, int lane)
    {
        var time = Scale * _problem.Duration(nanoOp, lane);
        Lane[nanoOp] = lane;
        Allowed[nanoOp] = 1 << lane;
        OnLane[lane] |= 1ul << nanoOp;
        Load[lane] += time;
        return Load[lane] < Threshold && (time == Time[nanoOp] || Lengthen(nanoOp, time));
    }

    /// <summary>Nano-ops of its lane that are neither before nor after it.</summary>
    public ulong Open(int nanoOp) => Lane[nanoOp] < 0
        ? 0
        : OnLane[Lane[nanoOp]] & ~(Before[nanoOp] | After[nanoOp] | (1ul << nanoOp));

    private bool Lengthen(int nanoOp, long time)
    {
        Time[nanoOp] = time;
        for (var to = 0; to < _problem.Count; to++)
        {
            if (to != nanoOp && !Require(nanoOp, to, time - (2 * Threshold)))
            {
                return false;
            }
        }
        foreach (var edge in _problem.Edges)
        {
            if (edge.From == nanoOp
                && !Require(nanoOp, edge.To, time - (edge.Height * Threshold)))
            {
                return false;
            }
        }
        return true;
    }

    // row = max(row, tail + length)
    private static void RaiseTo(Span<long> row, ReadOnlySpan<long> tail, long length)
    {
        var add = new Vector<long>(length);
        var to = MemoryMarshal.Cast<long, Vector<long>>(row);
        var from = MemoryMarshal.Cast<long, Vector<long>>(tail);
        for (var k = 0; k < to.Length && k < from.Length; k++)
        {
            to[k] = Vector.Max(to[k], from[k] + add);
        }
    }
}
