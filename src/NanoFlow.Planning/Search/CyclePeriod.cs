// The period of given lanes and orders: the maximum cycle ratio of everything that must wait.
//
//   edges of the problem            from -> to          its height
//   neighbours on a lane            i -> next           0
//   a lane's next layer             last -> first       1
//   run-ahead                       last -> hub -> first, one layer each way: 2
//
// The hub is one more node, without a duration; it saves an edge for every pair of lanes.

namespace NanoFlow.Planning.Search;

/// <summary>Keeps its memory between calls; one thread at a time.</summary>
public sealed class CyclePeriod(CyclicProblem problem)
{
    private readonly CyclicGraph _graph = new();
    private readonly long[] _time = new long[problem.Count]; // -1 until it is met in an order

    /// <param name="order">For each lane its nano-ops in order; together each exactly once.</param>
    /// <returns>Null where nano-ops wait for each other for ever.</returns>
    public Period? Of(IReadOnlyList<IReadOnlyList<int>> order)
    {
        Build(order);
        return _graph.MaxCycleRatio();
    }

    /// <param name="floor">Proved to be no more than the period.</param>
    /// <param name="limit">Above it the result may be too small, but is above it too.</param>
    internal Period? Of(IReadOnlyList<IReadOnlyList<int>> order, Period floor, Period limit)
    {
        Build(order);
        return _graph.MaxCycleRatio(floor, limit);
    }

    /// <summary>The earliest starts of every nano-op in one layer at the given period, the first at
    /// 0, in units of 1 / <c>period.Layers</c> ns; null where the period is too short.</summary>
    public long[]? EarliestStarts(IReadOnlyList<IReadOnlyList<int>> order, Period period)
    {
        Build(order);
        return _graph.EarliestStarts(period)?[..problem.Count];
    }

    /// <summary>A bound for all lanes and orders: what holds for the least durations.</summary>
    internal Period OfEdgesAlone()
    {
        var hub = problem.Count;
        _graph.Clear(hub + 1);
        foreach (var edge in problem.Edges)
        {
            _graph.Add(edge.From, edge.To, problem.LeastDuration(edge.From), edge.Height);
        }
        for (var i = 0; i < hub; i++)
        {
            _graph.Add(i, i, problem.LeastDuration(i), 1);
            _graph.Add(i, hub, problem.LeastDuration(i), 1);
            _graph.Add(hub, i, 0, 1);
        }
        return _graph.MaxCycleRatio()
            ?? throw new InvalidOperationException("edges of height 0 were checked to be acyclic");
    }

    private void Build(IReadOnlyList<IReadOnlyList<int>> order)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(order.Count, problem.Lanes);
        var hub = problem.Count;
        Array.Fill(_time, -1);
        _graph.Clear(hub + 1);
        for (var lane = 0; lane < order.Count; lane++)
        {
            foreach (var i in order[lane])
            {
                _time[i] = _time[i] < 0
                    ? problem.Duration(i, lane)
                    : throw new ArgumentException($"order: nano-op {i} is there twice");
            }
            AddLane(order[lane], hub);
        }
        if (Array.IndexOf(_time, -1) is var missing and >= 0)
        {
            throw new ArgumentException($"order: nano-op {missing} is missing");
        }
        foreach (var edge in problem.Edges)
        {
            _graph.Add(edge.From, edge.To, _time[edge.From], edge.Height);
        }
    }

    private void AddLane(IReadOnlyList<int> order, int hub)
    {
        if (order.Count == 0)
        {
            return;
        }
        for (var k = 1; k < order.Count; k++)
        {
            _graph.Add(order[k - 1], order[k], _time[order[k - 1]], 0);
        }
        var (first, last) = (order[0], order[^1]);
        _graph.Add(last, first, _time[last], 1);
        _graph.Add(last, hub, _time[last], 1);
        _graph.Add(hub, first, 0, 1);
    }
}
