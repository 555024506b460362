// Better incumbents for large problems: a nano-op at random moves to a place near its own, on its
// lane or another one, and stays there while the period is at most a little above the record. That
// allowance shrinks to nothing over the steps (record-to-record travel, Dueck 1993).

namespace NanoFlow.Planning.Search;

internal sealed class LocalSearch(CyclicProblem problem, Incumbent incumbent, Budget budget)
{
    // Farther moves mostly wait for ever.
    private const int Reach = 2;

    // In 1/1024 of the record: 5 %.
    private const int Allowance = 51;
    private const int One = 1024;

    private readonly CyclePeriod _period = new(problem);
    private readonly int[] _lane = new int[problem.Count];

    // Seeded: the same limits give the same solution.
    private readonly Random _random = new(1);

    /// <param name="floor">No solution is below it.</param>
    public void Improve(long steps, Period floor)
    {
        var order = incumbent.Order.Select(lane => lane.ToList()).ToArray();
        incumbent.Lanes().CopyTo(_lane, 0);
        for (var left = steps; left > 0 && floor < incumbent.Period && budget.Take(); left--)
        {
            var record = incumbent.Period;
            var allowance = One + (left * Allowance / steps);
            Step(order, floor, new Period(record.Time * allowance, record.Layers * One));
        }
    }

    private void Step(List<int>[] order, Period floor, Period limit)
    {
        var nanoOp = _random.Next(problem.Count);
        var from = order[_lane[nanoOp]];
        var (oldLane, oldPlace) = (_lane[nanoOp], from.IndexOf(nanoOp));
        var lane = AllowedLane(nanoOp);
        // The same share of the new lane's nano-ops is before it, give or take a few.
        var place = (oldPlace * (order[lane].Count + 1) / from.Count)
            + _random.Next(-Reach, Reach + 1);
        from.RemoveAt(oldPlace);
        place = Math.Clamp(place, 0, order[lane].Count);
        order[lane].Insert(place, nanoOp);
        _lane[nanoOp] = lane;
        if (_period.Of(order, floor, limit) is not { } period || period > limit)
        {
            order[lane].RemoveAt(place);
            order[oldLane].Insert(oldPlace, nanoOp);
            _lane[nanoOp] = oldLane;
        }
        else if (period < incumbent.Period)
        {
            incumbent.Offer([.. order.Select(lane => lane.ToArray())], floor);
        }
    }

    private int AllowedLane(int nanoOp)
    {
        while (true)
        {
            var lane = _random.Next(problem.Lanes);
            if (problem.Allows(nanoOp, lane))
            {
                return lane;
            }
        }
    }
}
