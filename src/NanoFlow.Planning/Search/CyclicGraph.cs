// The maximum cycle ratio of a small graph: max over its cycles of (sum of times) / (sum of
// heights). An edge (from, to, time, height) says start(to) + height * T >= start(from) + time, and
// the maximum ratio is the least T for which such starts exist.
//
// Newton's method: for T = p/q look for a cycle of positive weight q * time - p * height; its ratio
// is the next, greater T; without such a cycle T is the answer. All is in integers, so there is no
// rounding, and as every T is the ratio of a simple cycle it ends. Positive cycles are found by
// longest paths: passes over the edges in topological order of those of height 0, until nothing
// changes or following each node's predecessor leads round. Such a round has positive weight.
//
// Arrays are kept between uses: this is the inner loop of the search.

namespace NanoFlow.Planning.Search;

public sealed class CyclicGraph
{
    /// <summary>Together with the other two limits: no sum passes 2^60.</summary>
    public const int MaxNodes = 256;

    public const long MaxTime = CyclicProblem.MaxDuration;

    public const int MaxHeight = 2;

    private readonly List<Edge> _edges = [];

    // In the order of a pass: by the topological position of `To`.
    private Edge[] _sorted = [];
    private int[] _position = [];
    private int[] _count = [];
    private int[] _stack = [];
    private long[] _start = [];
    private int[] _predecessor = [];
    private int[] _visit = [];

    public int Nodes { get; private set; }

    public void Clear(int nodes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(nodes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(nodes, MaxNodes);
        Nodes = nodes;
        _edges.Clear();
        if (_position.Length < nodes)
        {
            _position = new int[nodes];
            _count = new int[nodes + 1];
            _stack = new int[nodes];
            _start = new long[nodes];
            _predecessor = new int[nodes];
            _visit = new int[nodes];
        }
    }

    public void Add(int from, int to, long time, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(from, Nodes);
        ArgumentOutOfRangeException.ThrowIfNegative(to);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(to, Nodes);
        ArgumentOutOfRangeException.ThrowIfNegative(time);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(time, MaxTime);
        ArgumentOutOfRangeException.ThrowIfNegative(height);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(height, MaxHeight);
        _edges.Add(new Edge(from, to, time, height));
    }

    /// <summary>Null where a cycle has height 0: its nodes wait for each other for ever. Zero where
    /// there is no cycle.</summary>
    public Period? MaxCycleRatio() => MaxCycleRatio(default, new Period(long.MaxValue, 1));

    /// <summary>The same, faster, where only a range matters: at least the floor, and above the
    /// limit not always the maximum.</summary>
    internal Period? MaxCycleRatio(Period floor, Period limit)
    {
        if (!SortEdges())
        {
            return null;
        }
        var period = floor;
        while (period <= limit && FindPositiveCycle(period) is { } ratio)
        {
            period = ratio;
        }
        return period;
    }

    /// <summary>The earliest starts, the first at 0, in units of 1 / <c>period.Layers</c> ns; null
    /// where the period is less than the maximum cycle ratio.</summary>
    public long[]? EarliestStarts(Period period)
    {
        if (!SortEdges() || FindPositiveCycle(period) is not null)
        {
            return null;
        }
        return _start[..Nodes];
    }

    // Kahn's algorithm over the edges of height 0; false where they have a cycle.
    private bool SortEdges()
    {
        var waitsFor = _visit.AsSpan(0, Nodes);
        waitsFor.Clear();
        foreach (var edge in _edges)
        {
            waitsFor[edge.To] += edge.Height == 0 ? 1 : 0;
        }
        SortEdgesBy(null);
        var (ready, done) = (0, 0);
        for (var node = 0; node < Nodes; node++)
        {
            if (waitsFor[node] == 0)
            {
                _stack[ready++] = node;
            }
        }
        while (ready > 0)
        {
            var node = _stack[--ready];
            _position[node] = done++;
            // _count[node] is the end of the node's edges now.
            for (var e = _count[node] - 1; e >= 0 && _sorted[e].From == node; e--)
            {
                if (_sorted[e].Height == 0 && --waitsFor[_sorted[e].To] == 0)
                {
                    _stack[ready++] = _sorted[e].To;
                }
            }
        }
        if (done < Nodes)
        {
            return false;
        }
        SortEdgesBy(_position);
        return true;
    }

    // A counting sort by `From`, or by the position of `To`. Afterwards _count[key] is the end of
    // the key's edges.
    private void SortEdgesBy(int[]? positionOfTo)
    {
        if (_sorted.Length < _edges.Count)
        {
            _sorted = new Edge[Math.Max(_edges.Count, 2 * _sorted.Length)];
        }
        _count.AsSpan().Clear();
        foreach (var edge in _edges)
        {
            _count[Key(edge) + 1]++;
        }
        for (var k = 1; k <= Nodes; k++)
        {
            _count[k] += _count[k - 1];
        }
        foreach (var edge in _edges)
        {
            _sorted[_count[Key(edge)]++] = edge;
        }

        int Key(Edge edge) => positionOfTo is null ? edge.From : positionOfTo[edge.To];
    }

    // The greatest ratio among the positive cycles that were met first; null where there is none,
    // and _start then holds the longest paths.
    private Period? FindPositiveCycle(Period period)
    {
        var (p, q) = (period.Time, period.Layers);
        _start.AsSpan(0, Nodes).Clear();
        _predecessor.AsSpan(0, Nodes).Fill(-1);
        var edges = _sorted.AsSpan(0, _edges.Count);
        while (true)
        {
            var changed = false;
            for (var e = 0; e < edges.Length; e++)
            {
                ref readonly var edge = ref edges[e];
                var start = _start[edge.From] + (q * edge.Time) - (p * edge.Height);
                if (start > _start[edge.To])
                {
                    _start[edge.To] = start;
                    _predecessor[edge.To] = e;
                    changed = true;
                }
            }
            if (!changed)
            {
                return null;
            }
            if (RoundOfPredecessors() is { } ratio)
            {
                return ratio;
            }
        }
    }

    private Period? RoundOfPredecessors()
    {
        Period? best = null;
        var visit = _visit.AsSpan(0, Nodes);
        visit.Clear();
        for (var first = 0; first < Nodes; first++)
        {
            var node = first;
            while (visit[node] == 0 && _predecessor[node] >= 0)
            {
                visit[node] = first + 1;
                node = _sorted[_predecessor[node]].From;
            }
            if (visit[node] == first + 1)
            {
                var ratio = RatioOfRound(node);
                best = best is { } other ? Period.Max(other, ratio) : ratio;
            }
        }
        return best;
    }

    private Period RatioOfRound(int first)
    {
        var (time, height, node) = (0L, 0, first);
        do
        {
            ref readonly var edge = ref _sorted[_predecessor[node]];
            time += edge.Time;
            height += edge.Height;
            node = edge.From;
        }
        while (node != first);
        return new Period(time, height);
    }

    private readonly record struct Edge(int From, int To, long Time, int Height);
}
