// Measures what the search has to know about a model on a device: every op alone, by rows, units
// and context, in traced steps, and pairs of ops that run beside each other, in loops over the
// layers, so that weights and KV pages come from memory as they do in a step.
//
// The number of measurements is known first; the time that is left is shared evenly among those
// that are left.

using System.Diagnostics;
using NanoFlow.Planning;

namespace NanoFlow.Engine.Measuring;

/// <param name="HandoffMicroseconds">From the end of a nano-op to the start of one on another lane
/// that waits for it.</param>
/// <param name="PeakGflops">The best of all ops, on the whole device.</param>
/// <param name="PeakGigabytes">A second; the same for bytes.</param>
public sealed record Calibration(
    IReadOnlyList<OpCost> Ops,
    IReadOnlyList<PairCost> Pairs,
    IReadOnlyList<int> UnitChoices,
    double HandoffMicroseconds,
    double PeakGflops,
    double PeakGigabytes)
{
    /// <summary>Measures.</summary>
    /// <param name="progress">Called after each measurement with those done and all.</param>
    public static Calibration Run(
        IPlanBench bench, CalibrationOptions options, Action<int, int>? progress = null)
    {
        var choices = UnitsToMeasure(bench.Device.UnitCount, bench.Device.UnitStep);
        var solos = new SoloCosts(bench, options, choices);
        var pairs = new PairCosts(bench, options, choices);
        var clock = new MeasuringClock(options.Budget, solos.Count + pairs.Count, progress);
        var ops = solos.Measure(clock);
        var peaks = Peaks(bench.Graph, ops, bench.Device.UnitCount);
        return new Calibration(
            ops,
            pairs.Measure(clock),
            choices,
            Handoff.Measure(bench, choices[0]),
            peaks.Gflops,
            peaks.Gigabytes);
    }

    /// <summary>As it is kept.</summary>
    public CostSet ToCosts(IPlanBench bench, Origin origin, string model) => new(
        origin,
        model,
        new CostTable(
            bench.Graph,
            bench.Device.UnitCount,
            UnitChoices,
            HandoffMicroseconds,
            Ops,
            Pairs)
        {
            MayExceedUnits = bench.Device.MayExceedUnits,
        },
        PeakGflops,
        PeakGigabytes);

    /// <summary>All of few units; of many each half as many again as the one before, so that an
    /// exchange curve has a dozen points. Where a partition has a multiple of some units, only
    /// those: the first few, then about every eighth of the device.</summary>
    /// <param name="step">Partitions have a multiple of so many.</param>
    public static IReadOnlyList<int> UnitsToMeasure(int unitCount, int step)
    {
        const int Few = 8;
        var units = new SortedSet<int> { unitCount };
        if (step > 1)
        {
            var wide = Math.Max(1, unitCount / Few / step) * step;
            for (var n = step; n + step <= unitCount; n += n < Few / 2 * step ? step : wide)
            {
                units.Add(n);
            }
            return [.. units];
        }
        for (var n = 1; n < unitCount; n = n < Few ? n + 1 : n * 3 / 2)
        {
            units.Add(n);
        }
        return [.. units];
    }

    // Of bytes only those of weights and pages count, and only where all layers together have more
    // of them than a cache holds: the rest need not come from memory.
    private static (double Gflops, double Gigabytes) Peaks(
        GraphFacts graph, IReadOnlyList<OpCost> ops, int unitCount)
    {
        const double LargestCache = 256 << 20;
        var gflops = 0.0;
        var gigabytes = 0.0;
        foreach (var cost in ops.Where(c => c.Units == unitCount && c.Microseconds > 0))
        {
            var op = graph.At(cost.Segment, cost.Op);
            var work = new NanoWork(cost.Rows, cost.Context);
            var bytes = op.StoredBytes(work);
            if (op.Resource == ResourceKind.Compute)
            {
                var flops = op.Work.Flops(work);
                gflops = Math.Max(gflops, flops / cost.Microseconds / 1e3);
            }
            if (bytes * graph.LayerCount >= LargestCache)
            {
                gigabytes = Math.Max(gigabytes, bytes / cost.Microseconds / 1e3);
            }
        }
        return (gflops, gigabytes);
    }
}

/// <summary>Shares the time that is left among the measurements that are left.</summary>
internal sealed class MeasuringClock(
    TimeSpan budget, int count, Action<int, int>? progress)
{
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(1);

    // A median does not get better after this long, and the native core takes no more than a
    // minute.
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(10);

    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private int _done;

    /// <summary>Time for the next measurement; half of its share, because warming up and the
    /// slowest of the lanes take the other.</summary>
    public TimeSpan Slice
    {
        get
        {
            var share = (budget - _watch.Elapsed) / Math.Max(1, count - _done) / 2;
            return share < Least ? Least : share > Most ? Most : share;
        }
    }

    public void Advance() => progress?.Invoke(++_done, count);
}
