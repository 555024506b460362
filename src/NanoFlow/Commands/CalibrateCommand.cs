// nanoflow calibrate MODEL: measures what the search for plans has to know, and says how far it can
// be trusted: against the measurements before, and by predicting plans that it then measures.

using NanoFlow.Cli;
using NanoFlow.Engine;
using NanoFlow.Engine.Measuring;
using NanoFlow.Planning;

namespace NanoFlow.Commands;

internal static class CalibrateCommand
{
    private const int MostChecks = 100;

    private static readonly Flag<string> Out = new(
        "--out", "FILE", "a path", "the cache, where search and serve find it",
        "where the cost table goes",
        Read.Text);

    private static readonly Flag<int> Check = new(
        "--check", "N", $"0 to {MostChecks}", "0",
        "so many random plans are predicted and then measured, for each --mix",
        Read.Integer(0, MostChecks));

    public static Command Command { get; } = new(
        "calibrate",
        "MODEL",
        "Measures every operation alone and beside others, for the search for plans.",
        [
            PlanFlags.Budget, Out, Check, PlanFlags.Seed, PlanFlags.Mix, CommonFlags.Json,
            .. PlanFlags.Engine,
        ],
        Run);

    private static Task<int> Run(Given given)
    {
        using var bench = Bench.Load(given);
        if (given.Get(Check, 0) > 0 && bench.Device.Device.UnitCount < 2)
        {
            throw new UsageException("--check: random plans need a device of 2 units or more");
        }
        var mixes = bench.Mixes(given);
        var path = given.All(Out) is [.., var named] ? named : bench.CostPath;
        var before = TryReadCosts(bench, path);
        var costs = bench.Calibrate(given.Get(PlanFlags.Budget, PlanFlags.DefaultBudget), path);
        var isJson = given.Get(CommonFlags.Json, false);
        ToFigures(path, costs, before).Write(isJson);
        var says = isJson ? Console.Error : Console.Out; // a program wants the figures alone
        says.WriteLine();
        says.Write(ExchangeCurves.Of(bench.Device.Graph, costs.Table));
        CheckPredictions(given, bench, costs.Table, mixes, says);
        return Task.FromResult(0);
    }

    private static Figures ToFigures(string path, CostSet costs, CostSet? before)
    {
        var table = costs.Table;
        var figures = new Figures();
        figures.Add("file", "cost table", Path.GetFullPath(path));
        figures.Add("ops", "times of operations", table.Ops.Count);
        figures.Add("pairs", "pairs beside each other", table.Pairs.Count);
        figures.Add(
            "peak_gflops",
            "best compute",
            costs.PeakGflops,
            Text.Of($"{costs.PeakGflops:F0} GFLOP/s"));
        var gigabytes = costs.PeakGigabytesPerSecond;
        figures.Add("peak_gb_per_s", "best memory", gigabytes, gigabytes > 0
            ? Text.Of($"{gigabytes:F1} GB/s")
            : "not measured: the model fits into the caches");
        figures.Add(
            "handoff_us",
            "from lane to lane",
            table.HandoffMicroseconds,
            Text.Of($"{table.HandoffMicroseconds:F1} us"));
        if (before is not null && table.MedianRelativeDifference(before.Table) is var difference)
        {
            figures.Add(
                "difference",
                "median difference to the last run",
                double.IsFinite(difference) ? difference : null,
                Text.Of($"{difference:P1}"));
        }
        return figures;
    }

    // What is there may be of another model, device or version; then there is nothing to compare.
    private static CostSet? TryReadCosts(Bench bench, string path)
    {
        try
        {
            return File.Exists(path) ? bench.ReadCosts(path) : null;
        }
        catch (CommandException)
        {
            return null;
        }
    }

    private static void CheckPredictions(
        Given given,
        Bench bench,
        CostTable costs,
        IReadOnlyList<StepMix> mixes,
        TextWriter says)
    {
        var count = given.Get(Check, 0);
        var seed = given.Get(PlanFlags.Seed, 1);
        foreach (var mix in count == 0 ? [] : mixes)
        {
            var checks = PredictionCheck.Run(bench.Device, costs, mix, count, seed);
            var table = new Table(
                "plan", "lanes", "nano-ops", "predicted us", "measured us", "difference");
            foreach (var check in checks)
            {
                table.Add(
                    Text.Of($"seed {check.Seed}"),
                    Text.Of($"{check.Plan.Lanes.Count}"),
                    Text.Of($"{check.Plan.NanoOps.Count}"),
                    Text.Of($"{check.Predicted:F1}"),
                    Text.Of($"{check.Measured:F1}"),
                    Text.Of($"{check.Difference:+0.0 %;-0.0 %}"));
            }
            var close = checks.Count(check => Math.Abs(check.Difference) <= 0.1);
            var spread = checks.Max(c => c.Measured) / checks.Min(c => c.Measured);
            says.WriteLine();
            says.WriteLine(
                $"periods of a layer, random plans from seed {seed}, step {Bench.Text(mix)}");
            says.Write(table);
            says.WriteLine(Text.Of(
                $"{close} of {count} within 10 %; measured periods span {spread:F2}x"));
        }
    }
}
