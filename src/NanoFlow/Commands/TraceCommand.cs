// nanoflow trace MODEL: records one executed step, nano-op by nano-op, beside what was predicted.

using System.Text;
using NanoFlow.Cli;
using NanoFlow.Engine;
using NanoFlow.Engine.Measuring;
using NanoFlow.Planning;
using NanoFlow.Planning.Drawing;
using NanoFlow.Planning.Simulation;

namespace NanoFlow.Commands;

internal static class TraceCommand
{
    private const string Sequential = "sequential";

    private static readonly Flag<string> Out = new(
        "--out", "FILE", "a path", "trace.json",
        "the trace; open it in ui.perfetto.dev or chrome://tracing",
        Read.Text);

    private static readonly Flag<string> Svg = new(
        "--svg", "FILE", "a path", "none",
        "one layer as a picture, predicted and measured",
        Read.Text);

    private static readonly Flag<string> Plan = new(
        "--plan", "PLAN", $"'{Sequential}' or a plan file",
        "the file of this model and device in the cache, else sequential",
        "what is executed: the plan of the named mix, or the first",
        Read.Text);

    public static Command Command { get; } = new(
        "trace",
        "MODEL",
        "Records one step: the time of every op, and a trace of lanes, nano-ops and waits.",
        [Out, Svg, Plan, PlanFlags.Mix, PlanFlags.Costs, .. PlanFlags.Engine],
        Run);

    private static Task<int> Run(Given given)
    {
        using var bench = Bench.Load(given);
        var bucket = Choose(given, bench);
        using var program = bench.Device.Open(bucket.Plan);
        var spans = program.Trace(bucket.Mix);
        var step = new StepTrace(
            bench.Device.Graph, bucket.Plan, bucket.Mix, spans, bucket.Predicted,
            bucket.Times.Period);
        var path = given.All(Out) is [.., var named] ? named : "trace.json";
        using (var content = new MemoryStream())
        {
            ChromeTrace.Write(content, step);
            PlanCache.Write(path, content.ToArray());
        }
        var period = SteadyPeriod.Of(spans, bench.Device.Graph.LayerCount);
        Console.WriteLine(Text.Of(
            $"step {Bench.Text(bucket.Mix)}: {spans.Count} nano-ops in ")
            + Text.Of($"{spans.Max(span => span.EndMicroseconds) / 1e3:F2} ms, ")
            + Text.Of($"a layer every {period:F1} us")
            + (bucket.Times.Period > 0
                ? Text.Of($" (predicted {bucket.Times.Period:F1} us)")
                : ""));
        Console.Write(OpTimesTable.Of(step));
        Console.WriteLine($"written to {Path.GetFullPath(path)}: open it in ui.perfetto.dev");
        if (given.All(Svg) is [.., var picture])
        {
            var set = new PlanSet(
                bench.Origin, bench.Model, bench.Device.Graph.LayerCount, bench.Device.Graph.Ops,
                [bucket]);
            PlanCache.Write(picture, Encoding.UTF8.GetBytes(PlanSvg.Draw(set, bucket, spans)));
            Console.WriteLine($"drawn to {Path.GetFullPath(picture)}");
        }
        return Task.FromResult(0);
    }

    // With a prediction by today's costs, where there are any.
    private static PlanBucket Choose(Given given, Bench bench)
    {
        var named = given.All(Plan) is [.., var text] ? text : null;
        var path = named ?? bench.PlanPath;
        var mixes = bench.Mixes(given);
        var bucket = named == Sequential || (named is null && !File.Exists(path))
            ? SequentialBucket(bench, mixes[0])
            : FromFile(given, bench, path, mixes);
        var costPath = given.All(PlanFlags.Costs) is [.., var costs] ? costs : bench.CostPath;
        if (!File.Exists(costPath))
        {
            return bucket;
        }
        var isHardSplit = bucket.Plan.Partitions.Any(p => p.Kind == PartitionKind.Disjoint);
        var tuned = MixTuning.Of(
            bench.Device, bench.ReadCosts(costPath).Table, bucket.Mix, isHardSplit);
        var prediction = PlanPrediction.Of(
            bucket.Plan, bench.Device.Graph, bucket.Mix, tuned);
        return bucket with
        {
            Times = bucket.Times with { Period = prediction.Period },
            Predicted = prediction.SteadyLayer(bench.Device.Graph.LayerCount),
        };
    }

    private static PlanBucket FromFile(
        Given given, Bench bench, string path, IReadOnlyList<StepMix> mixes)
    {
        var buckets = bench.ReadPlans(path).Buckets;
        if (given.All(PlanFlags.Mix).Count == 0)
        {
            return buckets[0];
        }
        return buckets.FirstOrDefault(bucket => bucket.Mix == mixes[0])
            ?? throw new UsageException(
                $"--mix {Bench.Text(mixes[0])}: {path} has plans for "
                + string.Join(", ", buckets.Select(bucket => Bench.Text(bucket.Mix))));
    }

    private static PlanBucket SequentialBucket(Bench bench, StepMix mix) => new(
        mix,
        Planning.Plan.Sequential(bench.Device.Graph, bench.Device.Device.UnitCount, mix.Rows),
        IsUsed: true,
        new PlanTimes(0, 0, 0, 0, 0),
        []);
}
