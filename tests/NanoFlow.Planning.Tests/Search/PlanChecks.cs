using Xunit;

namespace NanoFlow.Planning.Tests.Search;

internal static class PlanChecks
{
    /// <summary>Every row of every op once, producers issued before consumers, on lanes that
    /// exist. The same that the native core asks of a plan, without its code.</summary>
    public static void IsComplete(Plan plan, GraphFacts graph)
    {
        foreach (var op in graph.Ops)
        {
            var begin = 0;
            foreach (var nano in plan.NanoOps
                .Where(nano => nano.Segment == op.Segment && nano.Op == op.Index)
                .OrderBy(nano => nano.RowBegin))
            {
                Assert.Equal(begin, nano.RowBegin);
                Assert.InRange(nano.RowEnd, nano.RowBegin + 1, plan.StepRows);
                begin = nano.RowEnd;
            }
            Assert.Equal(plan.StepRows, begin);
        }
        for (var i = 0; i < plan.NanoOps.Count; i++)
        {
            Assert.InRange(plan.NanoOps[i].Lane, 0, plan.Lanes.Count - 1);
            ProducersComeFirst(plan, graph, i);
        }
    }

    private static void ProducersComeFirst(Plan plan, GraphFacts graph, int index)
    {
        var nano = plan.NanoOps[index];
        foreach (var read in graph.At(nano.Segment, nano.Op).Reads)
        {
            for (var later = index + 1; later < plan.NanoOps.Count; later++)
            {
                var source = plan.NanoOps[later];
                var writes = source.Segment == nano.Segment
                    && graph.At(source.Segment, source.Op).Writes.Contains(read.Tensor);
                var end = read.Reach == Reach.All ? plan.StepRows : nano.RowEnd;
                var begin = read.Reach == Reach.Same ? nano.RowBegin : 0;
                Assert.False(
                    writes && source.RowBegin < end && source.RowEnd > begin,
                    $"nano-op {index} is issued before {later}, which it needs");
            }
        }
    }
}

/// <summary>Time in proportion to rows and one over units: a split gains nothing, and every launch
/// has its price.</summary>
internal sealed class ProportionalCosts(int units) : ICostModel
{
    public int UnitCount => units;

    public IReadOnlyList<int> UnitChoices { get; } = [.. Enumerable.Range(1, units)];

    public bool MayExceedUnits => false;

    public double HandoffMicroseconds => 1;

    public double Time(in Launch launch) =>
        launch.Work.Rows == 0 ? 0 : 1 + 2.0 * launch.Work.Rows / launch.Units;

    public double SlowDown(in Launch launch, in Launch other) => 1;
}

/// <summary>Times and slow-downs without any rule but that more units never take longer.</summary>
internal sealed class RandomCosts(int seed) : ICostModel
{
    public int UnitCount => 4;

    public IReadOnlyList<int> UnitChoices { get; } = [1, 2, 3, 4];

    public bool MayExceedUnits => seed % 2 == 1;

    public double HandoffMicroseconds => seed % 3;

    public double Time(in Launch launch) => launch.Work.Rows == 0
        ? 0
        : (5 + launch.Work.Rows * Draw(launch.Op, 7))
            / Math.Pow(launch.Units, Draw(launch.Op, 11));

    public double SlowDown(in Launch launch, in Launch other) =>
        1 + 0.5 * Draw(launch.Op, 13) * Draw(other.Op, 17);

    // 0 to 1, the same for the same op.
    private double Draw(GraphOp op, int what) =>
        new Random(seed * 1000 + op.Index * 31 + what).NextDouble();
}
