namespace NanoFlow.Planning.Search;

/// <summary>Bounds of the period that hold for all lanes and orders.</summary>
internal static class LowerBounds
{
    /// <summary>The edges, with every nano-op as fast as it can be; and the lanes' loads.</summary>
    public static Period Of(CyclicProblem problem)
    {
        var bound = new CyclePeriod(problem).OfEdgesAlone();
        var everything = (1 << problem.Lanes) - 1;
        foreach (var lanes in problem.AllowedLanes.Append(everything).Distinct())
        {
            bound = Period.Max(bound, SharedLoad(problem, lanes));
        }
        return bound;
    }

    // Nano-ops that must run within a set of lanes share the time of those.
    private static Period SharedLoad(CyclicProblem problem, int lanes)
    {
        var time = 0L;
        for (var i = 0; i < problem.Count; i++)
        {
            time += (problem.AllowedLanes[i] & ~lanes) == 0 ? problem.LeastDuration(i) : 0;
        }
        return new Period(time, int.PopCount(lanes));
    }
}
