// Every op alone, where it belongs: in traced steps of the sequential plan, so that it finds in the
// caches what it finds there in service. One program for each number of units: the sequential plan
// with no more than these units for each nano-op. A step has as many samples of an op as layers.

using System.Diagnostics;
using System.Runtime.InteropServices;
using NanoFlow.Planning;

namespace NanoFlow.Engine.Measuring;

internal sealed class SoloCosts
{
    // Rows that are measured, each about twice the one before: times are linear in between.
    private static readonly int[] Rows = [1, 4, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192];

    private const int Passes = 2;

    // Steps of one kind in a pass; more than this adds nothing to a median over their layers.
    private const int MostSteps = 20;

    private readonly IPlanBench _bench;
    private readonly IReadOnlyList<int> _contexts;
    private readonly IReadOnlyList<int> _units;
    private readonly StepMix[] _mixes;

    public SoloCosts(IPlanBench bench, CalibrationOptions options, IReadOnlyList<int> units)
    {
        _bench = bench;
        _contexts = options.Contexts;
        _units = units;
        int[] rows = [.. Rows.Where(r => r < bench.Limits.Rows), bench.Limits.Rows];
        _mixes = [.. rows.SelectMany(MixesOf).Where(bench.Limits.Hold)];
    }

    public int Count => Passes * _mixes.Length * _units.Count;

    /// <summary>Everything is measured more than once, minutes apart where the budget allows: a
    /// shared machine is faster at one time and slower at another.</summary>
    public IReadOnlyList<OpCost> Measure(MeasuringClock clock)
    {
        var times = new Dictionary<OpCost, List<double>>();
        for (var pass = 0; pass < Passes; pass++)
        {
            foreach (var units in _units)
            {
                var plan = WithUnits(units);
                using var program = _bench.Open(plan);
                foreach (var mix in _mixes)
                {
                    MeasureMix(program, plan, mix, clock.Slice, times);
                    clock.Advance();
                }
            }
        }
        return [.. times.Select(pair => pair.Key with
        {
            Microseconds = Median.Of(pair.Value.ToArray()),
        })];
    }

    private void MeasureMix(
        IBenchProgram program,
        Plan plan,
        StepMix mix,
        TimeSpan slice,
        Dictionary<OpCost, List<double>> times)
    {
        var costs = plan.NanoOps.Select(nano => CostOf(plan, nano, mix)).ToArray();
        var watch = Stopwatch.StartNew();
        for (var step = 0; step < MostSteps && (step == 0 || watch.Elapsed < slice); step++)
        {
            foreach (var span in program.Trace(mix))
            {
                if (costs[span.NanoOp] is { } cost)
                {
                    ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(
                        times, cost, out _);
                    list ??= [];
                    list.Add(span.EndMicroseconds - span.BeginMicroseconds);
                }
            }
        }
    }

    // Without its time; null: it is not measured in steps of this mix.
    private OpCost? CostOf(Plan plan, NanoOp nano, StepMix mix)
    {
        var (op, work, units) = plan.LaunchOf(nano, _bench.Graph, mix);
        return IsMeasuredIn(op, mix)
            ? new OpCost(
                op.Segment,
                op.Index,
                work.Rows,
                op.HasContext ? work.Context : 0,
                units,
                Microseconds: 0)
            : null;
    }

    // Decode attention and what works on samples needs decode rows; all else is measured on a
    // prefill chunk, which has no limit but the rows of a step. Where the context does not matter,
    // one is enough.
    private bool IsMeasuredIn(GraphOp op, StepMix mix)
    {
        var shortest = mix.DecodeRows > 0 ? _contexts[0] : Math.Max(_contexts[0], mix.Rows);
        var inDecode = op.Part == RowPart.Decode || op.Rows != RowSpace.Token;
        return inDecode == (mix.DecodeRows > 0) && (op.HasContext || mix.Context == shortest);
    }

    private IEnumerable<StepMix> MixesOf(int rows) =>
        _contexts.Select(context => Math.Max(context, rows)).Distinct()
            .Select(context => new StepMix(rows, 0, context))
            .Concat(_contexts.Select(context => new StepMix(rows, rows, context)));

    private Plan WithUnits(int units)
    {
        var plan = Plan.Sequential(_bench.Graph, _bench.Device.UnitCount, _bench.Limits.Rows);
        return plan with
        {
            NanoOps = [.. plan.NanoOps.Select(nano => nano with { Units = units })],
        };
    }
}
