// A layer's nano-ops, executed layer after layer by in-order lanes, as plain numbers:
//
//   each nano-op i runs on one lane that allows it, for Durations[i][lane];
//   a lane runs all of layer l, in its order, before anything of layer l + 1;
//   an edge (from, to, h): `to` of layer l starts after `from` of layer l - h has ended;
//   run-ahead: no lane begins layer l + 2 before every lane has finished layer l.
//
// Wanted are lanes and orders with the least steady-state period. Durations are whole nanoseconds,
// so that periods are exact fractions and "better" has one meaning.

namespace NanoFlow.Planning.Search;

/// <param name="From">Must have ended ...</param>
/// <param name="To">... before this starts.</param>
/// <param name="Height">How many layers later `To` is: 0 or 1.</param>
public readonly record struct CyclicEdge(int From, int To, int Height);

public sealed class CyclicProblem
{
    /// <summary>Sets of nano-ops are the bits of one word.</summary>
    public const int MaxNanoOps = 64;

    public const int MaxLanes = PlanLimits.Lanes;

    /// <summary>Both heights of every ordered pair.</summary>
    public const int MaxEdges = 2 * MaxNanoOps * MaxNanoOps;

    /// <summary>18 minutes. Sums over paths, times the layers of a period, stay within 64 bits.
    /// </summary>
    public const long MaxDuration = 1L << 40;

    private const long NotAllowed = -1;

    private readonly long[] _durations; // [nano-op, lane]

    /// <param name="durations">For each nano-op and lane; null: not allowed there.</param>
    /// <exception cref="ArgumentException">Something is outside its range, or the edges of height 0
    /// have a cycle, which nothing could execute.</exception>
    public CyclicProblem(
        IReadOnlyList<IReadOnlyList<long?>> durations, IReadOnlyList<CyclicEdge> edges)
    {
        RequireRange(durations.Count, 1, MaxNanoOps, "durations: number of nano-ops");
        RequireRange(edges.Count, 0, MaxEdges, "edges: count");
        Count = durations.Count;
        Lanes = durations[0].Count;
        RequireRange(Lanes, 1, MaxLanes, "durations[0]: number of lanes");
        _durations = new long[Count * Lanes];
        AllowedLanes = new int[Count];
        for (var i = 0; i < Count; i++)
        {
            ReadDurations(i, durations[i]);
        }
        Edges = [.. edges];
        CheckEdges();
        TopologicalOrder = SortTopologically();
    }

    /// <summary>Number of nano-ops.</summary>
    public int Count { get; }

    public int Lanes { get; }

    public IReadOnlyList<CyclicEdge> Edges { get; }

    /// <summary>For each nano-op a set of bits, one a lane; never empty.</summary>
    internal int[] AllowedLanes { get; }

    /// <summary>All nano-ops, each after those that edges of height 0 put before it.</summary>
    internal int[] TopologicalOrder { get; }

    public bool Allows(int nanoOp, int lane) => _durations[(nanoOp * Lanes) + lane] != NotAllowed;

    /// <exception cref="ArgumentException">The lane does not allow the nano-op.</exception>
    public long Duration(int nanoOp, int lane) => Allows(nanoOp, lane)
        ? _durations[(nanoOp * Lanes) + lane]
        : throw new ArgumentException($"lane {lane} does not allow nano-op {nanoOp}");

    /// <summary>The least over the lanes that allow it.</summary>
    public long LeastDuration(int nanoOp)
    {
        var least = long.MaxValue;
        for (var lane = 0; lane < Lanes; lane++)
        {
            if (Allows(nanoOp, lane))
            {
                least = Math.Min(least, Duration(nanoOp, lane));
            }
        }
        return least;
    }

    /// <summary>Whether exchanging the two lanes changes nothing.</summary>
    internal bool AreAlike(int lane, int other)
    {
        for (var i = 0; i < Count; i++)
        {
            if (_durations[(i * Lanes) + lane] != _durations[(i * Lanes) + other])
            {
                return false;
            }
        }
        return true;
    }

    private void ReadDurations(int nanoOp, IReadOnlyList<long?> row)
    {
        RequireRange(row.Count, Lanes, Lanes, $"durations[{nanoOp}]: number of lanes");
        for (var lane = 0; lane < Lanes; lane++)
        {
            var duration = row[lane];
            if (duration is { } time)
            {
                RequireRange(time, 0, MaxDuration, $"durations[{nanoOp}][{lane}]");
                AllowedLanes[nanoOp] |= 1 << lane;
            }
            _durations[(nanoOp * Lanes) + lane] = duration ?? NotAllowed;
        }
        if (AllowedLanes[nanoOp] == 0)
        {
            throw new ArgumentException($"durations[{nanoOp}]: no lane allows this nano-op");
        }
    }

    private void CheckEdges()
    {
        for (var e = 0; e < Edges.Count; e++)
        {
            RequireRange(Edges[e].From, 0, Count - 1, $"edges[{e}].from");
            RequireRange(Edges[e].To, 0, Count - 1, $"edges[{e}].to");
            RequireRange(Edges[e].Height, 0, 1, $"edges[{e}].height");
        }
    }

    private int[] SortTopologically()
    {
        var inner = Edges.Where(edge => edge.Height == 0).ToArray();
        var order = new List<int>(Count);
        var waitsFor = new int[Count];
        foreach (var edge in inner)
        {
            waitsFor[edge.To]++;
        }
        order.AddRange(Enumerable.Range(0, Count).Where(i => waitsFor[i] == 0));
        for (var next = 0; next < order.Count; next++)
        {
            foreach (var edge in inner.Where(edge => edge.From == order[next]))
            {
                if (--waitsFor[edge.To] == 0)
                {
                    order.Add(edge.To);
                }
            }
        }
        return order.Count == Count
            ? [.. order]
            : throw new ArgumentException("edges: those of height 0 have a cycle");
    }

    private static void RequireRange(long value, long least, long most, string name)
    {
        if (value < least || value > most)
        {
            throw new ArgumentException($"{name} is {value}, allowed are {least} to {most}");
        }
    }
}
