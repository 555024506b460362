// The search for plans of one mix. Seeds are simulated, the best are refined side by side, and
// their number is halved as time goes by; so nothing that looks bad at first is trusted or dropped
// too early. It can be stopped at any time, and says how far from optimal its best plan may be.
//
// The result is what the model of costs says. What is true is measured: the best few come back.

using System.Diagnostics;
using NanoFlow.Planning.Simulation;

namespace NanoFlow.Planning.Search;

/// <param name="Period">Predicted microseconds of a layer in the steady state.</param>
public sealed record FoundPlan(Plan Plan, double Period);

/// <param name="Best">Ascending by period; distinct. At least one.</param>
/// <param name="SequentialPeriod">Microseconds, of the sequential plan.</param>
/// <param name="LowerBound">Microseconds: no plan of the space is faster.</param>
/// <param name="Evaluations">Plans that were simulated.</param>
public sealed record SearchResult(
    IReadOnlyList<FoundPlan> Best, double SequentialPeriod, double LowerBound, long Evaluations)
{
    public double Period => Best[0].Period;

    /// <summary>How far from optimal it may be, as a share of the period.</summary>
    public double Gap => Period > 0 ? Math.Max(0, 1 - LowerBound / Period) : 0;
}

public sealed class PlanSearch
{
    private const int Population = 16;

    // Drafts between two looks at the clock.
    private const int Slice = 200;

    // Below this gap nothing worth its time is left to find.
    private const double EnoughGap = 0.002;

    private readonly SearchSpace _space;
    private readonly PlanSearchOptions _options;
    private readonly double _lowerBound;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private long _evaluations;

    private PlanSearch(SearchSpace space)
    {
        _space = space;
        _options = space.Options;
        _lowerBound = PeriodBound.Of(space);
    }

    /// <param name="progress">Called between slices with the share of the search that is
    /// done.</param>
    public static SearchResult Run(
        GraphFacts graph,
        StepMix mix,
        ICostModel costs,
        PlanSearchOptions options,
        Action<double>? progress = null,
        CancellationToken cancel = default)
    {
        var space = new SearchSpace(graph, mix, costs, options);
        return new PlanSearch(space).Run(progress, cancel);
    }

    private SearchResult Run(Action<double>? progress, CancellationToken cancel)
    {
        var sequential = new Annealing(_space, Seeds.Sequential(_space), _options.Seed);
        var population = OpenPopulation(cancel);
        var started = _evaluations;
        while (!cancel.IsCancellationRequested)
        {
            var done = Progress(started);
            progress?.Invoke(Math.Min(1, done));
            if (done >= 1 || population.Count == 0
                || population[0].BestPeriod * (1 - EnoughGap) <= _lowerBound)
            {
                break;
            }
            Refine(population, done);
            population.Sort((a, b) => a.BestPeriod.CompareTo(b.BestPeriod));
            Halve(population, done);
        }
        return Result(population, sequential);
    }

    private double Progress(long started)
    {
        var time = _watch.Elapsed / _options.Budget;
        var count = (double)(_evaluations - started)
            / Math.Max(1, _options.MaxEvaluations - started);
        return Math.Max(time, count);
    }

    // The best seeds; those that stand still at the same period are the same plan in other words.
    private List<Annealing> OpenPopulation(CancellationToken cancel)
    {
        var best = new SortedList<double, Annealing>();
        var seed = _options.Seed;
        foreach (var draft in Seeds.All(_space).Concat(StructureSeeds.All(_space)))
        {
            if (cancel.IsCancellationRequested || _watch.Elapsed > _options.Budget / 2
                || _evaluations > _options.MaxEvaluations / 2)
            {
                break;
            }
            if (draft.Count > _options.MaxNanoOps || draft.LaneCount < _options.LeastLanes)
            {
                continue;
            }
            var annealing = new Annealing(_space, draft, ++seed);
            _evaluations++;
            best.TryAdd(annealing.BestPeriod, annealing);
        }
        return [.. best.Values.Take(Population)];
    }

    private void Refine(List<Annealing> population, double progress)
    {
        if (_options.Threads == 1)
        {
            population.ForEach(annealing => annealing.Run(Slice, progress));
        }
        else
        {
            Parallel.ForEach(
                population,
                new ParallelOptions { MaxDegreeOfParallelism = _options.Threads },
                annealing => annealing.Run(Slice, progress));
        }
        _evaluations += (long)Slice * population.Count;
    }

    private void Halve(List<Annealing> population, double progress)
    {
        var size = Math.Max(_options.Keep, (int)(Population * Math.Pow(0.5, progress * 4)));
        if (population.Count > size)
        {
            population.RemoveRange(size, population.Count - size);
            population.ForEach(annealing => annealing.Restart());
        }
    }

    private SearchResult Result(List<Annealing> population, Annealing sequential)
    {
        var isSequentialLeftOut = _options.LeastLanes > 1 && population.Count > 0;
        var best = (isSequentialLeftOut ? population : population.Append(sequential))
            .OrderBy(annealing => annealing.BestPeriod)
            .Select(annealing => new FoundPlan(
                PlanBuilder.Build(_space, annealing.Best), annealing.BestPeriod))
            .DistinctBy(found => found.Period)
            .Take(_options.Keep)
            .ToArray();
        return new SearchResult(
            best, sequential.BestPeriod, _lowerBound, _evaluations);
    }
}
