namespace NanoFlow.Planning.Tests.Search;

/// <summary>Every assignment of lanes with every order of each.</summary>
internal sealed class Enumeration(RandomProblem problem)
{
    private readonly List<int>[] _order =
        [.. Enumerable.Range(0, problem.Lanes).Select(_ => new List<int>())];

    private (long Time, int Layers)? _best;

    public (long Time, int Layers) LeastPeriod()
    {
        _best = null;
        Place(0);
        return _best!.Value;
    }

    // Puts a nano-op at every place among those before it.
    private void Place(int nanoOp)
    {
        if (nanoOp == problem.Count)
        {
            Look();
            return;
        }
        for (var lane = 0; lane < problem.Lanes; lane++)
        {
            if (problem.Durations[nanoOp][lane] is null)
            {
                continue;
            }
            for (var place = 0; place <= _order[lane].Count; place++)
            {
                _order[lane].Insert(place, nanoOp);
                Place(nanoOp + 1);
                _order[lane].RemoveAt(place);
            }
        }
    }

    private void Look()
    {
        var execution = new MaxPlusOracle(problem, _order);
        if (execution.IsDeadlock)
        {
            return;
        }
        var period = execution.Period();
        if (_best is not { } best || MaxPlusOracle.IsLess(period, best))
        {
            _best = period;
        }
    }
}
