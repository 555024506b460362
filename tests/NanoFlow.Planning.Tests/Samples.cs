// Graphs, plans and costs that mean nothing but are valid, drawn from a seed.

namespace NanoFlow.Planning.Tests;

internal static class Samples
{
    public static readonly GraphFacts Graph = new(0x0123456789abcdef,
    [
        new GraphOp(Segment.Prologue, 0, "embed", "embedding", ResourceKind.Memory, 1),
        new GraphOp(Segment.Layer, 0, "qkv", "gemm", ResourceKind.Compute, 3),
        new GraphOp(Segment.Layer, 1, "attention", "attention", ResourceKind.Memory, 2)
        {
            Work = new OpWork(100, 200, 0, ContextFlops: 4, ContextBytes: 8),
        },
        new GraphOp(Segment.Layer, 2, "all_reduce", "collective", ResourceKind.Network, 1),
        new GraphOp(Segment.Epilogue, 0, "lm_head", "gemm", ResourceKind.Compute, 1),
    ])
    {
        LayerCount = 2,
    };

    public static readonly Origin Here = new(Graph.Hash, "cpu", "0.1.0");

    public static PlanSet Set(params PlanBucket[] buckets) =>
        new(Here, "tiny", Graph.LayerCount, Graph.Ops, buckets);

    public static PlanBucket Sequential(int rows = 64) => new(
        new StepMix(rows, rows / 2, 1024),
        Plan.Sequential(Graph, unitCount: 4, stepRows: rows),
        IsUsed: true,
        new PlanTimes(10, 12, 9, 30, 36),
        [new(1, 0, 2.5), new(2, 2.5, 9), new(3, 9, 10)]);

    public static PlanSet RandomSet(Random random)
    {
        var count = random.Next(1, 5);
        var buckets = new PlanBucket[count];
        for (var i = 0; i < count; i++)
        {
            var plan = RandomPlan(random);
            // Rows differ, so no mix is there twice.
            var rows = random.Next(1, 1000) + 1000 * i;
            buckets[i] = new PlanBucket(
                new StepMix(rows, random.Next(rows + 1), random.Next(1, PlanLimits.Context + 1)),
                plan,
                random.Next(2) == 0,
                new PlanTimes(Time(), Time(), Time(), Time(), Time()),
                random.Next(3) == 0 ? [] : RandomSpans(plan));
        }
        return Set(buckets);

        double Time() => random.NextDouble() * 1e5;

        PredictedSpan[] RandomSpans(Plan plan) =>
        [
            .. Enumerable.Range(0, plan.NanoOps.Count)
                .Where(i => plan.NanoOps[i].Segment == Segment.Layer)
                .Select(i =>
                {
                    var begin = Time() - 2e4;
                    return new PredictedSpan(i, begin, begin + Time());
                }),
        ];
    }

    public static Plan RandomPlan(Random random)
    {
        var rows = random.Next(1, PlanLimits.StepRows + 1);
        var partitions = Draw(random.Next(1, PlanLimits.Lanes + 1), () => new Partition(
            (PartitionKind)random.Next(2), random.Next(100), random.Next(1, 100)));
        var lanes = Draw(
            random.Next(1, PlanLimits.Lanes + 1), () => new Lane(random.Next(partitions.Length)));
        var nanoOps = Draw(random.Next(1, 30), () =>
        {
            var op = Graph.Ops[random.Next(Graph.Ops.Count)];
            var begin = random.Next(rows);
            return new NanoOp(
                op.Segment,
                op.Index,
                random.Next(lanes.Length),
                random.Next(op.KernelCount),
                random.Next(PlanLimits.Units + 1),
                begin,
                random.Next(begin + 1, rows + 1));
        }).OrderBy(nano => nano.Segment).ToArray();
        var order = Draw(random.Next(20), () => (
                Earlier: random.Next(nanoOps.Length),
                Later: random.Next(nanoOps.Length)))
            .Where(edge => edge.Earlier < edge.Later
                && nanoOps[edge.Earlier].Segment == nanoOps[edge.Later].Segment)
            .Select(edge => new OrderEdge(edge.Earlier, edge.Later, (OrderKind)random.Next(2)));
        return new Plan
        {
            StepRows = rows,
            Partitions = partitions,
            Lanes = lanes,
            NanoOps = nanoOps,
            OrderEdges = [.. order],
        };
    }

    public static CostSet RandomCosts(Random random)
    {
        int[] choices = [1, 2, 4];
        var ops = new List<OpCost>();
        foreach (var op in Graph.Ops)
        {
            foreach (var rows in new[] { 1, 16, 256 })
            {
                foreach (var context in op.HasContext ? new[] { 128.0, 4096 } : [0])
                {
                    ops.AddRange(choices.Select(units => new OpCost(
                        op.Segment,
                        op.Index,
                        rows,
                        context,
                        units,
                        (rows + context / 1000 + 5) * (0.5 + random.NextDouble()) / units)));
                }
            }
        }
        var pairs = Draw(12, () => new PairCost(
            random.Next(3),
            1 << random.Next(10),
            choices[random.Next(2)],
            random.Next(3),
            1 << random.Next(10),
            choices[random.Next(2)],
            1 + random.NextDouble(),
            1 + random.NextDouble()));
        var table = new CostTable(Graph, 4, choices, random.NextDouble() * 5, ops, pairs)
        {
            MayExceedUnits = random.Next(2) == 0,
        };
        return new CostSet(Here, "tiny", table, 1234.5 * random.NextDouble(), 56.78);
    }

    private static T[] Draw<T>(int count, Func<T> one) =>
        [.. Enumerable.Range(0, count).Select(_ => one())];
}
