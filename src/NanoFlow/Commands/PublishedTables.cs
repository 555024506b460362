// The paper's tables, computed, with what was printed beside ours.

using System.Text;
using NanoFlow.Cli;
using NanoFlow.Planning;
using NanoFlow.Planning.Analysis;
using NanoFlow.Planning.Search;

namespace NanoFlow.Commands;

internal static class PublishedTables
{
    public static string All(
        IReadOnlyList<Accelerator> accelerators, IReadOnlyList<DecoderShape> models)
    {
        var device = accelerators.First(one => one.Name == Published.Accelerator.Name);
        var model = models.First(one => one.Name == Published.Model.Name);
        return new StringBuilder()
            .Append("Computed (published). arXiv 2408.12757v2.\n\n")
            .Append($"T_R, memory over compute time on {device.Name}; below 1 compute bounds\n")
            .Append(MemoryRatios(device, models))
            .Append($"\nT_net / T_comp, {model.Name} on {Published.DeviceCount} devices\n")
            .Append(NetworkRatios(accelerators, model))
            .Append($"\nOptimum on {device.Name}, tokens a second and device\n")
            .Append(Optima(device, models))
            .Append(
                $"\nOperations of a step, {model.Name} on {Published.DeviceCount} {device.Name}, "
                + $"{Published.StepRows} rows of {Published.OperationsWorkload.Name}\n")
            .Append(Operations(device, model))
            .ToString();
    }

    /// <summary>Searches for each workload.</summary>
    public static string Ablation(PlanSearchOptions options)
    {
        var table = new Table(
            "workload", "sequential", "in nano-batches", "overlapped", "found, one lane", "gap",
            "max T / sum T", "found / sequential");
        foreach (var row in Published.Tables.Ablation)
        {
            var load = ServingLoad.OfAblation(
                AnalysisData.WorkloadOf(row.Workload), CostConstants.Fitted);
            var found = PlanSearch.Run(load.Graph, load.Mix, load.Costs, options);
            var split = PublishedSplit.PlanOf(load.Graph, load.Mix, load.Costs.UnitCount);
            table.Add(
                row.Workload,
                Beside(load.TokensPerSecond(load.Sequential), row.Sequential),
                Beside(load.TokensPerSecond(split), row.Split),
                Beside(load.TokensPerSecond(found.Best[0].Plan), row.Overlapped),
                Beside(load.TokensPerSecond(OneLane(found.Best[0].Plan)), row.Split),
                Text.Of($"{found.Gap:P1}"),
                Text.Of($"{load.BusiestShare():F3}"),
                Text.Of($"{found.Period / found.SequentialPeriod:F3}"));
        }
        return $"Predicted (published), tokens a second and device: {Published.Model.Name} on "
            + $"{Published.DeviceCount} {Published.Accelerator.Name}, {Published.StepRows} rows\n"
            + table;

        static string Beside(double predicted, double published)
        {
            var percent = Math.Round(100 * (predicted / published - 1), 1);
            return Text.Of($"{predicted:F0} ({published:F0}) {percent:+0.0;-0.0;0.0} %");
        }
    }

    // Its nano-ops one after the other, each on the whole device.
    private static Plan OneLane(Plan plan) => plan with
    {
        Lanes = [new Lane(0)],
        NanoOps = [.. plan.NanoOps.Select(nano => nano with { Lane = 0, Units = 0 })],
    };

    private static string MemoryRatios(Accelerator device, IReadOnlyList<DecoderShape> models)
    {
        var table = new Table(["model, sizes", .. Published.RatioWorkloads]);
        foreach (var row in Published.Tables.MemoryRatios)
        {
            var model = models.First(one => one.Name == row.Model);
            var cluster = new Cluster(device, row.DeviceCount);
            var name = $"{row.Model} x{row.DeviceCount}";
            var cells = Cells(row.ActiveParameters, row.WeightBytes)
                .Zip(row.Cells, (ours, theirs) => Text.Of($"{ours:F3} ({theirs:F2})"));
            table.Add([$"{name}, as published", .. cells]);
            cells = Cells(model.ActiveParameters, model.WeightBytes(NumberFormat.Bf16))
                .Select(ours => Text.Of($"{ours:F3}"));
            table.Add([$"{name}, of the shape", .. cells]);

            IEnumerable<double> Cells(double active, double weights) =>
                Published.RatioWorkloads.Select(workload =>
                    Rooflines.MemoryRatio(
                        model, cluster, AnalysisData.WorkloadOf(workload), active, weights));
        }
        return table.ToString();
    }

    private static string NetworkRatios(
        IReadOnlyList<Accelerator> accelerators, DecoderShape model)
    {
        var table = new Table("accelerator", "GB", "GB/s", "network GB/s", "TFLOP/s", "ratio");
        foreach (var one in accelerators.Where(one => one.NetworkGbps > 0))
        {
            var cluster = new Cluster(one, Published.DeviceCount);
            var ours = Rooflines.NetworkRatio(model, cluster);
            var theirs = Published.Tables.NetworkRatios.FirstOrDefault(
                row => row.Accelerator == one.Name);
            table.Add(
                one.Name,
                Text.Of($"{one.MemoryGb}"),
                Text.Of($"{one.MemoryGbps}"),
                Text.Of($"{one.NetworkGbps}"),
                Text.Of($"{one.Tflops}"),
                Text.Of($"{ours:F3}") + (theirs is null ? "" : Text.Of($" ({theirs.Cell})")));
        }
        return table.ToString();
    }

    private static string Optima(Accelerator device, IReadOnlyList<DecoderShape> models)
    {
        var table = new Table("model", "parameters", "active", "optimum");
        foreach (var model in models)
        {
            var ours = Rooflines.OptimalTokensPerSecond(
                model, device, NumberFormat.Bf16);
            var theirs = Published.Tables.Optima.FirstOrDefault(row => row.Model == model.Name);
            table.Add(
                model.Name,
                Text.Of($"{model.Parameters / 1e9:F2} B"),
                Text.Of($"{model.ActiveParameters / 1e9:F2} B"),
                Text.Of($"{ours:F0}")
                    + (theirs is null ? "" : Text.Of($" ({theirs.TokensPerSecond:F0})")));
        }
        return table.ToString();
    }

    private static string Operations(Accelerator device, DecoderShape model)
    {
        var table = new Table(
            "operation", "GFLOP", "GB", "compute ms", "memory ms", "network ms", "measured ms");
        var costs = OperationTable.Of(
            model,
            new Cluster(device, Published.DeviceCount),
            new SteadyBatch(Published.OperationsWorkload, Published.StepRows),
            NumberFormat.Bf16);
        foreach (var cost in costs)
        {
            var row = Published.Tables.Operations.Single(one => one.Name == cost.Name);
            var times = row.EstimatedMilliseconds;
            table.Add(
                cost.Name,
                Text.Of($"{cost.Flops / 1e9:F0} ({row.Gflop})"),
                Text.Of($"{cost.MemoryBytes / 1e9:F1} ({row.Gigabytes})"),
                Text.Of($"{cost.ComputeMilliseconds:F1} ({times[0]})"),
                Text.Of($"{cost.MemoryMilliseconds:F1} ({times[1]})"),
                Text.Of($"{cost.NetworkMilliseconds:F1} ({times[2]})"),
                Text.Of($"({row.MeasuredMilliseconds})"));
        }
        return table.ToString();
    }
}
