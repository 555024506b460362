// One way of serving, predicted: what fits, the bounds, each op of a layer, and what the search
// makes of it.

using NanoFlow.Cli;
using NanoFlow.Planning;
using NanoFlow.Planning.Analysis;
using NanoFlow.Planning.Search;

namespace NanoFlow.Commands;

internal static class SimulatedService
{
    // Of a step without answers, which could be as long as one likes: that of the published runs.
    private const int PrefillRows = 2048;

    public static void Write(Given given, DecoderShape model, Accelerator accelerator)
    {
        var cluster = new Cluster(accelerator, given.Get(SimulateFlags.Devices, 1));
        var format = given.Get(SimulateFlags.Dtype, NumberFormat.Bf16);
        Check(model, cluster, format);
        var workload = given.Get(
            SimulateFlags.Workload, new Workload("1000/1000", 1000, 1000));
        var bound = ServingBound.Of(model, cluster, workload, format)
            ?? throw new CommandException(Text.Of(
                $"{model.Name} has {model.WeightBytes(format) / 1e9:F0} GB of weights: too much ")
                + Text.Of($"for {cluster.MemoryBytes / 1e9:F0} GB of {accelerator.Name}"));
        var rows = given.Get(SimulateFlags.Rows, RowsOf(bound, workload));
        var load = new ServingLoad(
            model, cluster, new SteadyBatch(workload, rows), format, CostConstants.Fitted);
        var found = PlanSearch.Run(
            load.Graph, load.Mix, load.Costs, SimulateCommand.SearchOptions(given));

        var asJson = given.Get(CommonFlags.Json, false);
        var figures = new Figures();
        figures.Add("model", "predicted for", model.Name);
        figures.Add("accelerator", "on", accelerator.Name, $"{cluster.Count} x {accelerator.Name}");
        figures.Add("devices", "devices", cluster.Count);
        figures.Add("workload", "prompt/answer tokens", workload.Name);
        AddBound(figures, bound);
        AddFound(figures, load, found, workload);
        if (asJson)
        {
            foreach (var (op, microseconds) in load.LayerTimes())
            {
                figures.Add($"{op.Name}_us", op.Name, Math.Round(microseconds, 3));
            }
        }
        figures.Write(asJson);
        if (!asJson)
        {
            Console.WriteLine();
            Console.Write(Ops(load));
        }
    }

    private static void Check(DecoderShape model, Cluster cluster, NumberFormat format)
    {
        var device = cluster.Device;
        if (device.Flops(format) == 0)
        {
            throw new UsageException($"--dtype: {device.Name} has no figure for fp8");
        }
        if (cluster.Count > 1 && device.NetworkGbps == 0)
        {
            throw new UsageException($"--devices: {device.Name} has no network, allowed is 1");
        }
        if (model.KvHeads % cluster.Count != 0)
        {
            throw new UsageException(
                $"--devices is {cluster.Count}, allowed are divisors of the {model.KvHeads} "
                + $"KV heads of {model.Name}");
        }
    }

    private static int RowsOf(ServingBound bound, Workload workload) => workload.DecodeShare == 0
        ? PrefillRows
        : (int)Math.Clamp(bound.Sequences / workload.DecodeShare, 1, PlanLimits.StepRows);

    private static void AddBound(Figures figures, ServingBound bound)
    {
        Add("sequences", "sequences that fit", bound.Sequences);
        Add("compute_bound", "first-order bounds, answer tokens/s: compute", bound.Compute);
        Add("memory_bound", "  memory", bound.Memory);
        Add("sequential_bound", "  one after the other", bound.Sequential);
        Add("overlapped_bound", "  both at once", bound.Overlapped);

        void Add(string key, string label, double value) =>
            figures.Add(key, label, Math.Round(value), Text.Of($"{value:F0}"));
    }

    private static void AddFound(
        Figures figures, ServingLoad load, SearchResult found, Workload workload)
    {
        var plan = found.Best[0].Plan;
        var answers = workload.DecodeShare * load.Cluster.Count;
        figures.Add("rows", "rows of a step", load.Mix.Rows);
        figures.Add("decode_rows", "of them decode", load.Mix.DecodeRows);
        Add("sequential_tokens", "sequential plan, answer tokens/s", "F0",
            answers * load.TokensPerSecond(load.Sequential));
        Add("found_tokens", "found plan, answer tokens/s", "F0",
            answers * load.TokensPerSecond(plan));
        Add("sequential_period_us", "sequential, us a layer", "F1", found.SequentialPeriod);
        Add("found_period_us", "found, us a layer", "F1", found.Period);
        Add("lower_bound_us", "no plan is below, us a layer", "F1", found.LowerBound);
        Add("gap", "gap", "P1", found.Gap);
        Add("busiest_share", "max T / sum T", "F3", load.BusiestShare());
        Add("found_share", "found / sequential", "F3", found.Period / found.SequentialPeriod);
        figures.Add("nano_ops", "nano-ops of a layer",
            plan.NanoOps.Count(nano => nano.Segment == Segment.Layer));

        void Add(string key, string label, string form, double value) => figures.Add(
            key, label, Math.Round(value, 4),
            value.ToString(form, System.Globalization.CultureInfo.InvariantCulture));
    }

    private static string Ops(ServingLoad load)
    {
        var table = new Table("op of a layer and device", "resource", "GFLOP", "MB", "us");
        foreach (var (op, microseconds) in load.LayerTimes())
        {
            var work = load.Mix.WorkOf(op, 0, load.Mix.Rows);
            table.Add(
                op.Name,
                $"{op.Resource}".ToLowerInvariant(),
                Text.Of($"{op.Work.Flops(work) / 1e9:F2}"),
                Text.Of($"{op.Bytes(work) / 1e6:F1}"),
                Text.Of($"{microseconds:F1}"));
        }
        return table.ToString();
    }
}
