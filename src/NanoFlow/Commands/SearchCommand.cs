// nanoflow search MODEL: finds a plan for each kind of step, measures the best, and keeps what
// measurement says.

using NanoFlow.Cli;
using NanoFlow.Engine;
using NanoFlow.Engine.Measuring;
using NanoFlow.Planning;
using NanoFlow.Planning.Search;

namespace NanoFlow.Commands;

internal static class SearchCommand
{
    private static readonly Flag<string> Out = new(
        "--out", "FILE", "a path", "the cache, where serve finds it",
        "where the plans go",
        Read.Text);

    public static Command Command { get; } = new(
        "search",
        "MODEL",
        "Finds plans that overlap operations, measures them, keeps those that are faster.",
        [
            PlanFlags.Mix, PlanFlags.SearchBudget, Out, PlanFlags.Costs, PlanFlags.Budget,
            PlanFlags.Seed, .. PlanFlags.Engine,
        ],
        Run);

    private static Task<int> Run(Given given)
    {
        using var bench = Bench.Load(given);
        var mixes = bench.Mixes(given);
        var costs = bench.Costs(given).Table;
        var buckets = FindAll(given, bench, costs, mixes, leastLanes: 1);
        var path = given.All(Out) is [.., var named] ? named : bench.PlanPath;
        PlanCache.Write(path, PlanFile.Write(new PlanSet(
            bench.Origin,
            bench.Model,
            bench.Device.Graph.LayerCount,
            bench.Device.Graph.Ops,
            buckets)));
        Console.Write(Summary(buckets));
        Console.WriteLine();
        var used = buckets.Count(bucket => bucket.IsUsed);
        Console.WriteLine(used == 0
            ? "On this device no plan is faster than the sequential one; serve keeps to that."
            : $"{used} of {buckets.Count} kinds of steps have a faster plan.");
        Console.WriteLine($"written to {Path.GetFullPath(path)}");
        Console.WriteLine($"  nanoflow show {Path.GetFullPath(path)}");
        return Task.FromResult(0);
    }

    /// <param name="leastLanes">Of the plans that are wanted.</param>
    internal static IReadOnlyList<PlanBucket> FindAll(
        Given given,
        Bench bench,
        ICostModel costs,
        IReadOnlyList<StepMix> mixes,
        int leastLanes)
    {
        const int Parts = 100; // of a mix on the bar
        var options = new FinderOptions
        {
            Search = new PlanSearchOptions
            {
                Budget = given.Get(PlanFlags.SearchBudget, TimeSpan.FromSeconds(10)),
                Seed = given.Get(PlanFlags.Seed, 1),
                Threads = Environment.ProcessorCount,
                LeastLanes = leastLanes,
            },
        };
        using var progress = new ProgressLine(
            "searching", total => $"{total / Parts} kinds of steps");
        var buckets = new List<PlanBucket>();
        foreach (var mix in mixes)
        {
            var done = buckets.Count * Parts;
            buckets.Add(PlanFinder.Find(
                bench.Device,
                costs,
                mix,
                options,
                share => progress.Report(done + (int)(share * Parts), mixes.Count * Parts)));
        }
        progress.Report(mixes.Count * Parts, mixes.Count * Parts);
        return buckets;
    }

    private static Table Summary(IReadOnlyList<PlanBucket> buckets)
    {
        var table = new Table(
            "rows/decode/context",
            "predicted us",
            "sequential us",
            "ratio",
            "gap",
            "step ms",
            "sequential ms",
            "ratio",
            "used");
        foreach (var bucket in buckets)
        {
            var times = bucket.Times;
            var isMeasured = times.MeasuredStep > 0;
            table.Add(
                Bench.Text(bucket.Mix),
                Text.Of($"{times.Period:F1}"),
                Text.Of($"{times.SequentialPeriod:F1}"),
                Text.Of($"{times.SequentialPeriod / times.Period:F3}"),
                Text.Of($"{times.Gap:P1}"),
                isMeasured ? Text.Of($"{times.MeasuredStep / 1e3:F2}") : "-",
                isMeasured ? Text.Of($"{times.MeasuredSequentialStep / 1e3:F2}") : "-",
                isMeasured
                    ? Text.Of($"{times.MeasuredSequentialStep / times.MeasuredStep:F3}")
                    : "-",
                bucket.IsUsed ? "yes" : "no");
        }
        return table;
    }
}
