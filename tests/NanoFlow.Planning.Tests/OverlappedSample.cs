// A layer of a large model cut in two nano-batches on three lanes, as a search would find it, run
// by lanes in order: what pictures are drawn of.

namespace NanoFlow.Planning.Tests;

internal static class OverlappedSample
{
    private const int StepRows = 2048;
    private const int Layers = 12;
    private const int Shown = 6;

    private static readonly (string Name, string Kind, ResourceKind Resource, double Time)[] Ops =
    [
        ("attn_norm", "norm", ResourceKind.Memory, 9),
        ("qkv", "gemm", ResourceKind.Compute, 90),
        ("rope", "rope", ResourceKind.Memory, 12),
        ("attention_decode", "attention", ResourceKind.Memory, 150),
        ("attention_prefill", "attention", ResourceKind.Compute, 52),
        ("o_proj", "gemm", ResourceKind.Compute, 64),
        ("all_reduce_attn", "all_reduce", ResourceKind.Network, 48),
        ("mlp_norm", "norm", ResourceKind.Memory, 9),
        ("gate_up", "gemm", ResourceKind.Compute, 236),
        ("silu", "silu", ResourceKind.Memory, 16),
        ("down", "gemm", ResourceKind.Compute, 118),
        ("all_reduce_mlp", "all_reduce", ResourceKind.Network, 48),
    ];

    // Op and nano-batch. The memory of one half is read beside the GEMMs of the other.
    private static readonly (int Op, int Half)[] IssueOrder =
    [
        (0, 0), (1, 0), (0, 1), (2, 0), (3, 0), (1, 1), (2, 1), (4, 0), (5, 0), (6, 0), (7, 0),
        (3, 1), (8, 0), (9, 0), (4, 1), (10, 0), (11, 0), (5, 1), (6, 1), (7, 1), (8, 1), (9, 1),
        (10, 1), (11, 1),
    ];

    public static readonly GraphFacts Graph = new(
        7,
        [.. Ops.Select((op, i) => new GraphOp(
            Segment.Layer, i, op.Name, op.Kind, op.Resource, 1)
        {
            Work = new OpWork(1e6 * (i + 1), 1e4, 1e5, i == 3 ? 100 : 0, i == 3 ? 200 : 0),
        })])
    {
        LayerCount = Layers,
    };

    public static PlanBucket Bucket()
    {
        var plan = Plan();
        var spans = Run(plan, _ => 1);
        var first = spans.Where(span => span.Tick == Shown).Min(span => span.BeginMicroseconds);
        var next = spans.Where(span => span.Tick == Shown + 1).Min(span => span.BeginMicroseconds);
        var sequential = 2 * Ops.Sum(op => op.Time) * 0.9;
        return new PlanBucket(
            new StepMix(StepRows, 1024, 1377),
            plan,
            IsUsed: true,
            new PlanTimes(next - first, sequential, 0.91 * (next - first), 14_310, 17_020),
            [.. spans
                .Where(span => span.Tick == Shown)
                .OrderBy(span => span.NanoOp)
                .Select(span => new PredictedSpan(
                    span.NanoOp,
                    span.BeginMicroseconds - first,
                    span.EndMicroseconds - first))]);
    }

    public static PlanSet Set(PlanBucket bucket) =>
        new(new Origin(7, "gpu 108", "0.1.0"), "large-70b", Layers, Graph.Ops, [bucket]);

    /// <param name="seed">Of the noise; null: none.</param>
    public static IReadOnlyList<TimelineSpan> Measured(int? seed)
    {
        var random = seed is { } known ? new Random(known) : null;
        return Run(Plan(), _ => random is null ? 1 : 0.95 + 0.2 * random.NextDouble());
    }

    private static Plan Plan() => new()
    {
        StepRows = StepRows,
        Partitions =
        [
            new(PartitionKind.Disjoint, 0, 76),
            new(PartitionKind.Disjoint, 76, 24),
            new(PartitionKind.Disjoint, 100, 8),
        ],
        Lanes = [new(0), new(1), new(2)],
        NanoOps = [.. IssueOrder.Select(nano => new NanoOp(
            Segment.Layer,
            nano.Op,
            (int)Ops[nano.Op].Resource,
            0,
            nano.Op == 4 ? 48 : 0,
            nano.Half * StepRows / 2,
            (nano.Half + 1) * StepRows / 2))],
    };

    // Lanes in order; an op of a nano-batch follows the one before it.
    private static List<TimelineSpan> Run(Plan plan, Func<int, double> stretch)
    {
        var spans = new List<TimelineSpan>();
        var lanes = new double[plan.Lanes.Count];
        var halves = new double[2];
        for (var tick = 1; tick <= Layers; tick++)
        {
            for (var i = 0; i < IssueOrder.Length; i++)
            {
                var (op, half) = IssueOrder[i];
                var lane = plan.NanoOps[i].Lane;
                var begin = Math.Max(lanes[lane], halves[half]);
                var end = begin + Ops[op].Time * stretch(i);
                spans.Add(new TimelineSpan(lane, i, tick, lanes[lane], begin, end));
                lanes[lane] = end;
                halves[half] = end;
            }
        }
        return spans;
    }
}
