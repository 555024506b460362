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
            PlanFlags.Budget, PlanFlags.Seed, CommonFlags.Json, .. PlanFlags.Engine,
        ],
        Run);

    private static Task<int> Run(Given given)
    {
        using var bench = Bench.Load(given);
        var costs = bench.Costs(given);
        var buckets = given.All(PlanFlags.PlanFile) is [.., var path]
            ? bench.ReadPlans(path).Buckets
            : SearchCommand.FindAll(given, bench, costs.Table, bench.Mixes(given), leastLanes: 2);
        var rows = Measure(bench, buckets);
        var says = Console.Out;
        if (given.Get(CommonFlags.Json, false))
        {
            WriteJson(bench, rows);
            says = Console.Error; // a program wants the figures alone
        }
        says.WriteLine(
            $"{bench.Model} on {bench.Origin.Device}, compute limit "
            + Text.Of($"{costs.PeakGflops:F0} GFLOP/s, memory {costs.PeakGigabytesPerSecond:F1} ")
            + "GB/s (as measured; 0: the model fits into the caches)");
        says.Write(ToTable(costs, rows));
        says.WriteLine(
            "split: the nano-ops of the overlapped plan one after the other on the whole device");
        return Task.FromResult(0);
    }

    private static AblationRow[] Measure(Bench bench, IReadOnlyList<PlanBucket> buckets)
    {
        using var progress = new ProgressLine(
            "comparing", total => $"{total} kinds of steps");
        var rows = new AblationRow[buckets.Count];
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = Ablation.Run(bench.Device, buckets[i], MeasuringTime);
            progress.Report(i + 1, rows.Length);
        }
        return rows;
    }

    private static void WriteJson(Bench bench, AblationRow[] rows)
    {
        var figures = new Figures();
        figures.Add("model", bench.Model);
        figures.Add("device", bench.Origin.Device);
        foreach (var row in rows)
        {
            var mix = Bench.Text(row.Mix);
            figures.Add($"{mix} sequential_ms", row.Sequential / 1e3);
            figures.Add($"{mix} split_ms", row.Split / 1e3);
            figures.Add($"{mix} overlapped_ms", row.Overlapped / 1e3);
            figures.Add($"{mix} speedup", row.Sequential / row.Overlapped);
        }
        figures.Write(asJson: true);
    }

    private static Table ToTable(CostSet costs, AblationRow[] rows)
    {
        var table = new Table(
            "rows/decode/context", "plan", "step ms", "tokens/s", "of compute", "of memory",
            "to sequential");
        foreach (var row in rows)
        {
            Add(table, costs, row, "sequential", row.Sequential);
            Add(table, costs, row, "split", row.Split);
            Add(table, costs, row, "overlapped", row.Overlapped);
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
