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
        bool[] splits = costs.MayExceedUnits && bench.Device.HasDisjointPartitions
            ? [false, true] // soft and hard: what is faster is measured
            : [false];
        var searches = splits
            .Select((isHard, i) => Search(bench, costs, mix, options.Search with
            {
                Budget = options.Search.Budget / splits.Length,
                IsHardSplit = isHard,
            },
            share => progress?.Invoke((i + share) / splits.Length)))
            .ToArray();
        var sequential = Plan.Sequential(bench.Graph, bench.Device.UnitCount, mix.Rows);
        var proposals = searches.SelectMany(search => search.Found.Best
            .Where(plan => !plan.Plan.NanoOps.SequenceEqual(sequential.NanoOps)
                && (!search.IsHardSplit || bench.CanOpen(plan.Plan)))
            .Select(plan => (search, plan))).ToArray();
        if (proposals.Length == 0)
        {
            return Bucket(
                bench, searches[0], mix, new FoundPlan(sequential, searches[0].Found.Period), []);
        }
        var times = StepComparison.Run(
            bench,
            [sequential, .. proposals.Select(proposal => proposal.plan.Plan)],
            mix,
            options.MeasuringBudget);
        var best = Array.IndexOf(times, times[1..].Min(), 1);
        var (chosen, fastest) = proposals[best - 1];
        return Bucket(bench, chosen, mix, fastest, [times[0], times[best]]);
    }

    private static TunedSearch Search(
        IPlanBench bench,
        ICostModel costs,
        StepMix mix,
        PlanSearchOptions options,
        Action<double> progress)
    {
        var tuned = MixTuning.Of(bench, costs, mix, options.IsHardSplit);
        var found = PlanSearch.Run(
            bench.Graph, mix, tuned, options with { RowTile = bench.Device.RowTile }, progress);
        return new TunedSearch(tuned, found, options.IsHardSplit);
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
        var mixes = PlanMixes.Default(bench.Limits, bench.Device.HasOwnMemory);
        var options = new FinderOptions
        {
            Search = new PlanSearchOptions
            {
                Budget = budget * SearchingShare / mixes.Count,
                Threads = Math.Min(bench.Device.UnitCount, Environment.ProcessorCount),
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
        TunedSearch search,
        StepMix mix,
        FoundPlan plan,
        double[] measured)
    {
        var (costs, found, _) = search;
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

    private sealed record TunedSearch(ICostModel Costs, SearchResult Found, bool IsHardSplit);
}
