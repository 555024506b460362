// Two ops beside each other: how much each slows the other down. A plan with every op cut in two
// halves, one on each of two lanes, holds all pairs; a step whose first half are decode rows lets
// decode attention run beside anything.
//
// What is compared are two measurements of the same nano-ops on the same step: together and alone.

using NanoFlow.Planning;

namespace NanoFlow.Engine.Measuring;

internal sealed class PairCosts
{
    // Rows of each op: few, where weights bound a GEMM, and many, where arithmetic does.
    private static readonly int[] Rows = [16, 256];

    private readonly IPlanBench _bench;
    private readonly GraphOp[] _ops;
    private readonly int[] _rows;
    private readonly List<(int A, int B)> _shares;
    private readonly int _context;

    public PairCosts(IPlanBench bench, CalibrationOptions options, IReadOnlyList<int> units)
    {
        _bench = bench;
        _ops = [.. bench.Graph.In(Segment.Layer)];
        _rows = [.. Rows.Where(rows => 2 * rows <= bench.Limits.Rows)];
        _shares = Shares(units, bench.Device.UnitCount);
        _context = Math.Min(
            options.Contexts[Math.Min(1, options.Contexts.Count - 1)], bench.Limits.Context);
    }

    /// <summary>At most; pairs that cannot run beside each other are skipped.</summary>
    public int Count =>
        _rows.Length * _shares.Count * (_ops.Length * _ops.Length + _ops.Length) / 2;

    public IReadOnlyList<PairCost> Measure(MeasuringClock clock)
    {
        var costs = new List<PairCost>();
        foreach (var share in _shares)
        {
            foreach (var rows in _rows)
            {
                var plan = HalvedPlan.Of(_bench.Graph, share, rows, _bench.Device);
                using var program = _bench.Open(plan);
                MeasureRows(program, plan, share, rows, costs, clock);
            }
        }
        return costs;
    }

    // Quarters of the device for one, the rest for the other. An exchange curve needs no more: the
    // times at all units are known from the ops alone.
    private static List<(int A, int B)> Shares(IReadOnlyList<int> units, int unitCount)
    {
        var shares = new List<(int A, int B)>();
        foreach (var quarter in (int[])[1, 2, 3])
        {
            var a = units.MinBy(n => Math.Abs(n - quarter * unitCount / 4.0));
            var b = units.LastOrDefault(n => n <= unitCount - a);
            if (b > 0 && !shares.Contains((a, b)))
            {
                shares.Add((a, b));
            }
        }
        return shares;
    }

    private void MeasureRows(
        IBenchProgram program,
        Plan plan,
        (int A, int B) share,
        int rows,
        List<PairCost> costs,
        MeasuringClock clock)
    {
        for (var first = 0; first < _ops.Length; first++)
        {
            for (var second = first; second < _ops.Length; second++)
            {
                // Decode rows come first, so decode attention has the first half.
                var (a, b) = _ops[second].Part == RowPart.Decode
                    ? (_ops[second], _ops[first])
                    : (_ops[first], _ops[second]);
                if (TryMix(a, b, rows) is { } mix)
                {
                    var cost = MeasurePair(program, plan, share, mix, (a, b), clock.Slice / 3);
                    costs.AddRange(cost is { } known ? [known] : []);
                }
                clock.Advance();
            }
        }
    }

    private PairCost? MeasurePair(
        IBenchProgram program,
        Plan plan,
        (int A, int B) share,
        StepMix mix,
        (GraphOp A, GraphOp B) ops,
        TimeSpan slice)
    {
        var a = Find(plan, ops.A, lane: 0);
        var b = Find(plan, ops.B, lane: 1);
        var aloneA = program.Measure(mix, [a], slice)[0];
        var aloneB = program.Measure(mix, [b], slice)[0];
        if (aloneA <= 0 || aloneB <= 0)
        {
            return null;
        }
        var together = program.Measure(mix, [a, b], slice);
        return new PairCost(
            ops.A.Index,
            RowsOf(mix, plan, a),
            share.A,
            ops.B.Index,
            RowsOf(mix, plan, b),
            share.B,
            Math.Max(1, together[0] / aloneA),
            Math.Max(1, together[1] / aloneB));
    }

    // A step of twice the rows in which both have some: null where there is none.
    private StepMix? TryMix(GraphOp a, GraphOp b, int rows)
    {
        var decode = a.Part == RowPart.Decode ? rows : 0;
        if (b.Part == RowPart.Decode)
        {
            decode = 2 * rows; // both halves decode
        }
        var most = Math.Min(_bench.Limits.Sequences - 1, (int)Math.Min(
            int.MaxValue, _bench.Limits.KvTokens / (_context + _bench.Limits.PageTokens) - 2));
        if (decode > most && b.Part == RowPart.Decode)
        {
            return null;
        }
        var mix = new StepMix(2 * rows, Math.Min(decode, most), Math.Max(_context, 2 * rows));
        return _bench.Limits.Hold(mix) ? mix : null;
    }

    private int RowsOf(StepMix mix, Plan plan, int nano) =>
        plan.LaunchOf(plan.NanoOps[nano], _bench.Graph, mix).Work.Rows;

    private static int Find(Plan plan, GraphOp op, int lane) => plan.NanoOps.ToList().FindIndex(
        nano => nano.Segment == Segment.Layer && nano.Op == op.Index && nano.Lane == lane);
}
