// nanoflow ablate MODEL: in one run, what cutting into nano-batches costs and what overlapping them
// brings.

using NanoFlow.Cli;
using NanoFlow.Engine.Measuring;
using NanoFlow.Planning;

namespace NanoFlow.Commands;

internal static class AblateCommand
{
    private static readonly TimeSpan MeasuringTime = TimeSpan.FromSeconds(10);

    public static Command Command { get; } = new(
        "ablate",
        "MODEL",
        "Measures the sequential plan, the split one and the overlapped one against each other.",
        [
            PlanFlags.Mix, PlanFlags.SearchBudget, PlanFlags.PlanFile, PlanFlags.Costs,
            PlanFlags.Budget, PlanFlags.Seed, .. PlanFlags.Engine,
        ],
        Run);

    private static Task<int> Run(Given given)
    {
        using var bench = Bench.Load(given);
        var costs = bench.Costs(given);
        var buckets = given.All(PlanFlags.PlanFile) is [.., var path]
            ? bench.ReadPlans(path).Buckets
            : SearchCommand.FindAll(given, bench, costs.Table, bench.Mixes(given), leastLanes: 2);
        Console.WriteLine(
            $"{bench.Model} on {bench.Origin.Device}, compute limit "
            + Text.Of($"{costs.PeakGflops:F0} GFLOP/s, memory {costs.PeakGigabytesPerSecond:F1} ")
            + "GB/s (as measured; 0: the model fits into the caches)");
        Console.Write(Rows(bench, costs, buckets));
        Console.WriteLine(
            "split: the nano-ops of the overlapped plan one after the other on the whole device");
        return Task.FromResult(0);
    }

    private static Table Rows(Bench bench, CostSet costs, IReadOnlyList<PlanBucket> buckets)
    {
        var table = new Table(
            "rows/decode/context", "plan", "step ms", "tokens/s", "of compute", "of memory",
            "to sequential");
        using var progress = new ProgressLine(
            "comparing", total => $"{total} kinds of steps");
        for (var i = 0; i < buckets.Count; i++)
        {
            var row = Ablation.Run(bench.Device, buckets[i], MeasuringTime);
            Add(table, costs, row, "sequential", row.Sequential);
            Add(table, costs, row, "split", row.Split);
            Add(table, costs, row, "overlapped", row.Overlapped);
            progress.Report(i + 1, buckets.Count);
        }
        return table;
    }

    private static void Add(
        Table table, CostSet costs, AblationRow row, string plan, double microseconds) =>
        table.Add(
            Bench.Text(row.Mix),
            plan,
            Text.Of($"{microseconds / 1e3:F2}"),
            Text.Of($"{row.Mix.Rows / microseconds * 1e6:F0}"),
            Text.Of($"{row.Flops / microseconds / 1e3 / costs.PeakGflops:P1}"),
            costs.PeakGigabytesPerSecond > 0
                ? Text.Of($"{row.Bytes / microseconds / 1e3 / costs.PeakGigabytesPerSecond:P1}")
                : "-",
            Text.Of($"{row.Sequential / microseconds:F3}"));
}
