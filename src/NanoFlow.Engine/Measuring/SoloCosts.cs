// Every op alone. One program for each number of units: the sequential plan, with no more than
// these units for each nano-op.

using NanoFlow.Planning;

namespace NanoFlow.Engine.Measuring;

internal sealed class SoloCosts
{
    // Rows that are measured, each about twice the one before: times are linear in between.
    private static readonly int[] Rows = [1, 4, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192];

    private readonly IPlanBench _bench;
    private readonly IReadOnlyList<int> _units;
    private readonly List<(GraphOp Op, StepMix Mix)> _points = [];

    public SoloCosts(IPlanBench bench, CalibrationOptions options, IReadOnlyList<int> units)
    {
        _bench = bench;
        _units = units;
        int[] rows = [.. Rows.Where(r => r < bench.Limits.Rows), bench.Limits.Rows];
        foreach (var mix in Mixes(rows, options.Contexts))
        {
            var shortest = mix.Context == ShortestContext(mix, options.Contexts);
            _points.AddRange(bench.Graph.Ops
                .Where(op => IsMeasuredIn(op, mix) && (op.HasContext || shortest))
                .Select(op => (op, mix)));
        }
    }

    public int Count => _points.Count * _units.Count;

    public IReadOnlyList<OpCost> Measure(MeasuringClock clock)
    {
        var costs = new List<OpCost>(Count);
        foreach (var units in _units)
        {
            var plan = WithUnits(units);
            using var program = _bench.Open(plan);
            foreach (var (op, mix) in _points)
            {
                var nano = plan.NanoOps.ToList().FindIndex(
                    n => n.Segment == op.Segment && n.Op == op.Index);
                var time = program.Measure(mix, [nano], clock.Slice)[0];
                var (begin, end) = mix.Scale(op, 0, plan.StepRows, plan.StepRows);
                var work = mix.WorkOf(op, begin, end);
                costs.Add(new OpCost(
                    op.Segment, op.Index, work.Rows, op.HasContext ? work.Context : 0, units,
                    time));
                clock.Advance();
            }
        }
        return costs;
    }

    // Decode attention and what works on samples needs decode rows; all else is measured on a
    // prefill chunk, which has no limit but the rows of a step.
    private static bool IsMeasuredIn(GraphOp op, StepMix mix) =>
        (op.Part == RowPart.Decode || op.Rows != RowSpace.Token) == (mix.DecodeRows > 0);

    private static int ShortestContext(StepMix mix, IReadOnlyList<int> contexts) =>
        mix.DecodeRows > 0 ? contexts[0] : Math.Max(contexts[0], mix.Rows);

    private IEnumerable<StepMix> Mixes(int[] rows, IReadOnlyList<int> contexts)
    {
        var limits = _bench.Limits;
        foreach (var count in rows)
        {
            var prefill = contexts.Select(context => Math.Max(context, count)).Distinct();
            foreach (var mix in prefill.Select(context => new StepMix(count, 0, context))
                .Concat(contexts.Select(context => new StepMix(count, count, context)))
                .Where(limits.Hold))
            {
                yield return mix;
            }
        }
    }

    private Plan WithUnits(int units)
    {
        var plan = Plan.Sequential(_bench.Graph, _bench.Device.UnitCount, _bench.Limits.Rows);
        return plan with
        {
            NanoOps = [.. plan.NanoOps.Select(nano => nano with { Units = units })],
        };
    }
}
