// What an op takes depends on more than its rows: on what the op before has left in the caches, on
// whether rows are spread over many sequences, on the core that wrote what it reads. For the mix
// that is searched all this can be seen: some plans drawn at random and the sequential one are
// traced on steps of the mix, and each op's times are compared with what the costs say of the same
// launch beside the same neighbours. The median of the ratios is the op's factor.

using NanoFlow.Planning;
using NanoFlow.Planning.Search;

namespace NanoFlow.Engine.Measuring;

public sealed class MixTuning
{
    private const int Plans = 6;
    private const int Steps = 2;

    // Of the plans that are drawn; nobody else draws with negative seeds, so what is found here is
    // never tried on the plans that it was found on.
    private const int FirstSeed = -1;

    private readonly ICostModel _costs;
    private readonly StepMix _mix;
    private readonly IPlanBench _bench;
    private readonly List<double>[][][] _ratios;

    private MixTuning(IPlanBench bench, ICostModel costs, StepMix mix)
    {
        _bench = bench;
        _costs = costs;
        _mix = mix;
        _ratios =
        [
            .. Enum.GetValues<Segment>().Select(segment => bench.Graph.In(segment)
                .Select(_ => costs.UnitChoices.Select(_ => new List<double>()).ToArray())
                .ToArray()),
        ];
    }

    /// <summary>Costs of steps of this mix.</summary>
    /// <param name="isHardSplit">As in PlanSearchOptions: of plans of that kind.</param>
    public static TunedCosts Of(
        IPlanBench bench, ICostModel costs, StepMix mix, bool isHardSplit = false)
    {
        var tuning = new MixTuning(bench, costs, mix);
        tuning.Add(Plan.Sequential(bench.Graph, bench.Device.UnitCount, mix.Rows));
        for (var i = 0; i < Plans && RandomPlans.CanDraw(costs, isHardSplit); i++)
        {
            var plan = RandomPlans.Draw(
                bench.Graph, mix, costs, bench.Device.RowTile, FirstSeed - i, isHardSplit);
            if (!isHardSplit || bench.CanOpen(plan))
            {
                tuning.Add(plan);
            }
        }
        return new TunedCosts(costs, tuning.Factors());
    }

    private double[][][] Factors() =>
    [
        .. _ratios.Select(segment => segment.Select(op => op.Select(ratios =>
            ratios.Count == 0 ? 1 : Median.Of(ratios.ToArray())).ToArray()).ToArray()),
    ];

    private void Add(Plan plan)
    {
        var launches = plan.NanoOps
            .Select(nano => plan.LaunchOf(nano, _bench.Graph, _mix)).ToArray();
        using var program = _bench.Open(plan);
        for (var step = 0; step < Steps; step++)
        {
            var spans = program.Trace(_mix);
            foreach (var span in spans)
            {
                Add(span, spans, launches);
            }
        }
    }

    private void Add(
        TimelineSpan span, IReadOnlyList<TimelineSpan> spans, Launch[] launches)
    {
        var launch = launches[span.NanoOp];
        var length = span.EndMicroseconds - span.BeginMicroseconds;
        var expected = _costs.Time(launch);
        if (length > 0 && expected > 0)
        {
            var choice = TunedCosts.ChoiceOf(_costs, launch.Units);
            _ratios[(int)launch.Op.Segment][launch.Op.Index][choice].Add(
                length / (expected * SlowDown(span, length, spans, launches)));
        }
    }

    // By what ran beside it, the mean over its time.
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
                var factor = _costs.SlowDown(launches[span.NanoOp], launches[other.NanoOp]);
                slowDown += shared / length * (factor - 1);
            }
        }
        return slowDown;
    }
}
