// From costs to plans that are known to be faster: for every mix the search proposes, and the
// device decides.

using NanoFlow.Planning;
using NanoFlow.Planning.Search;
using NanoFlow.Planning.Simulation;

namespace NanoFlow.Engine.Measuring;

/// <summary>How long to look for plans.</summary>
public sealed record FinderOptions
{
    /// <summary>Of one mix.</summary>
    public PlanSearchOptions Search { get; init; } = new();

    /// <summary>For measuring the proposals of one mix.</summary>
    public TimeSpan MeasuringBudget { get; init; } = TimeSpan.FromSeconds(5);
}

public static class PlanFinder
{
    // A plan has to be faster by this share: less is noise, and a plan that only seems faster costs
    // more than it could bring.
    private const double LeastGain = 0.02;

    /// <summary>Searches and measures one mix.</summary>
    /// <param name="progress">With the share of the search that is done.</param>
    public static PlanBucket Find(
        IPlanBench bench,
        ICostModel costs,
        StepMix mix,
        FinderOptions options,
        Action<double>? progress = null)
    {
        var found = PlanSearch.Run(
            bench.Graph,
            mix,
            costs,
            options.Search with { RowTile = bench.Device.RowTile },
            progress);
        var sequential = Plan.Sequential(bench.Graph, bench.Device.UnitCount, mix.Rows);
        var proposals = found.Best.Where(plan => plan.Plan.Lanes.Count > 1).ToArray();
        if (proposals.Length == 0)
        {
            return Bucket(bench, costs, mix, found, new FoundPlan(sequential, found.Period), []);
        }
        var times = StepComparison.Run(
            bench,
            [sequential, .. proposals.Select(plan => plan.Plan)],
            mix,
            options.MeasuringBudget);
        var best = Array.IndexOf(times, times[1..].Min(), 1);
        return Bucket(bench, costs, mix, found, proposals[best - 1], [times[0], times[best]]);
    }

    // With the measured times of the sequential plan and of this one.
    private static PlanBucket Bucket(
        IPlanBench bench,
        ICostModel costs,
        StepMix mix,
        SearchResult found,
        FoundPlan plan,
        double[] measured)
    {
        var prediction = PlanPrediction.Of(plan.Plan, bench.Graph, mix, costs);
        return new PlanBucket(
            mix,
            plan.Plan,
            IsUsed: measured is [var sequential, var own] && own < sequential * (1 - LeastGain),
            new PlanTimes(
                plan.Period,
                found.SequentialPeriod,
                found.LowerBound,
                measured is [_, var step] ? step : 0,
                measured is [var baseline, _] ? baseline : 0),
            prediction.SteadyLayer(bench.Graph.LayerCount));
    }
}
