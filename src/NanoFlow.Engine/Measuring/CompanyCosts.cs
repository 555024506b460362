// What an op takes on a part of the device while the rest is busy: it then finds in its caches what
// another core has written, and shares what cores share. A plan with every op cut in two halves on
// two lanes is traced; what runs beside an execution is known from the trace, so what these pairs
// cost each other is taken out again and what is left belongs to the op.

using System.Diagnostics;
using NanoFlow.Planning;

namespace NanoFlow.Engine.Measuring;

internal sealed class CompanyCosts(IPlanBench bench, CostTable pairs)
{
    private const int MostSteps = 20;

    /// <summary>Costs of the layer's ops at the units of both lanes.</summary>
    /// <param name="mix">With twice the rows that are measured.</param>
    /// <param name="slice">Steps are traced for this long; one at least.</param>
    public IReadOnlyList<OpCost> Measure(StepMix mix, (int A, int B) share, TimeSpan slice)
    {
        var plan = HalvedPlan.Of(bench.Graph, share, mix.Rows / 2);
        using var program = bench.Open(plan);
        var launches = plan.NanoOps.Select(nano => LaunchOf(plan, nano, mix, share)).ToArray();
        var times = launches.Select(_ => new List<double>()).ToArray();
        var watch = Stopwatch.StartNew();
        for (var step = 0; step < MostSteps && (step == 0 || watch.Elapsed < slice); step++)
        {
            Add(program.Trace(mix), launches, times);
        }
        return [.. launches.Zip(times)
            .Where(pair => pair.Second.Count > 0 && pair.First.Op.Segment == Segment.Layer)
            .GroupBy(pair => ToCost(pair.First), pair => pair.Second)
            .Select(group => group.Key with
            {
                Microseconds = Median.Of(group.SelectMany(list => list).ToArray()),
            })];
    }

    // Without its time; halves of the same size are the same.
    private static OpCost ToCost(Launch launch) => new(
        launch.Op.Segment,
        launch.Op.Index,
        launch.Work.Rows,
        launch.Op.HasContext ? launch.Work.Context : 0,
        launch.Units,
        Microseconds: 0);

    private Launch LaunchOf(Plan plan, NanoOp nano, StepMix mix, (int A, int B) share)
    {
        var op = bench.Graph.At(nano.Segment, nano.Op);
        var (begin, end) = mix.Scale(op, nano.RowBegin, nano.RowEnd, plan.StepRows);
        return new Launch(op, mix.WorkOf(op, begin, end), nano.Lane == 0 ? share.A : share.B);
    }

    private void Add(
        IReadOnlyList<TimelineSpan> spans, Launch[] launches, List<double>[] times)
    {
        foreach (var span in spans)
        {
            var length = span.EndMicroseconds - span.BeginMicroseconds;
            if (length > 0)
            {
                times[span.NanoOp].Add(length / SlowDown(span, length, spans, launches));
            }
        }
    }

    // The mean over the time of an execution.
    private double SlowDown(
        TimelineSpan span, double length, IReadOnlyList<TimelineSpan> spans, Launch[] launches)
    {
        var slowDown = 1.0;
        foreach (var other in spans)
        {
            var shared = Math.Min(span.EndMicroseconds, other.EndMicroseconds)
                - Math.Max(span.BeginMicroseconds, other.BeginMicroseconds);
            if (other.Lane != span.Lane && shared > 0)
            {
                var factor = pairs.SlowDown(launches[span.NanoOp], launches[other.NanoOp]);
                slowDown += shared / length * (factor - 1);
            }
        }
        return slowDown;
    }
}
