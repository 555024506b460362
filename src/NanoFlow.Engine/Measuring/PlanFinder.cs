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
    // Shares of a budget for everything: good costs are worth most, the search is quick.
    private const double CalibratingShare = 0.5;
    private const double SearchingShare = 0.3;

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
        var tuned = MixTuning.Of(bench, costs, mix);
        var found = PlanSearch.Run(
            bench.Graph,
            mix,
            tuned,
            options.Search with { RowTile = bench.Device.RowTile },
            progress);
        var sequential = Plan.Sequential(bench.Graph, bench.Device.UnitCount, mix.Rows);
        var proposals = found.Best
            .Where(plan => !plan.Plan.NanoOps.SequenceEqual(sequential.NanoOps)).ToArray();
        if (proposals.Length == 0)
        {
            return Bucket(bench, tuned, mix, found, new FoundPlan(sequential, found.Period), []);
        }
        var times = StepComparison.Run(
            bench,
            [sequential, .. proposals.Select(plan => plan.Plan)],
            mix,
            options.MeasuringBudget);
        var best = Array.IndexOf(times, times[1..].Min(), 1);
        return Bucket(bench, tuned, mix, found, proposals[best - 1], [times[0], times[best]]);
    }

    /// <summary>Calibrates, then searches and measures the mixes of a server.</summary>
    /// <param name="budget">For all of it, about.</param>
    public static PlanSet FindSet(
        IPlanBench bench,
        Origin origin,
        string model,
        TimeSpan budget,
        Action<PlanningProgress>? progress = null)
    {
        var calibration = Calibration.Run(
            bench,
            new CalibrationOptions { Budget = budget * CalibratingShare },
            (done, total) => progress?.Invoke(new PlanningProgress(false, done, total)));
        var costs = calibration.ToCosts(bench, origin, model).Table;
        var mixes = PlanMixes.Default(bench.Limits);
        var options = new FinderOptions
        {
            Search = new PlanSearchOptions
            {
                Budget = budget * SearchingShare / mixes.Count,
                Threads = bench.Device.UnitCount,
            },
            MeasuringBudget =
                budget * (1 - CalibratingShare - SearchingShare) / mixes.Count,
        };
        var buckets = new List<PlanBucket>();
        foreach (var mix in mixes)
        {
            buckets.Add(Find(bench, costs, mix, options));
            progress?.Invoke(new PlanningProgress(true, buckets.Count, mixes.Count));
        }
        return new PlanSet(origin, model, bench.Graph.LayerCount, bench.Graph.Ops, buckets);
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
