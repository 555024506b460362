// Which plan fits a step. A plan was searched for a mix of rows and found faster there; how it does
// on another mix is unknown, so a step gets the plan of a mix that is near, and is sequential where
// none is. Small steps are sequential too: cut into nano-batches they would not fill the device.

using NanoFlow.Planning;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine;

internal sealed class PlanTable
{
    /// <summary>No bucket: the step is sequential.</summary>
    public const int None = -1;

    // Rows against those of the bucket, as powers of two: from half of them to sqrt(2) times. A
    // plan's rows scale by share; with half of them its nano-batches are half as large.
    private const double LeastRows = -1;
    private const double MostRows = 0.5;

    // How far the share of decode rows may be off.
    private const double ShareReach = 0.25;

    // A plan for one kind of rows alone has lanes and shares for that kind alone: of the other kind
    // a step may have one row in 16.
    private const double PureReach = 1.0 / 16;

    // Context against that of the bucket, as a power of two: from a quarter to four times.
    private const double ContextReach = 2;

    private readonly StepMix[] _mixes;

    /// <param name="sequential">Plan 0, for every step that no bucket fits.</param>
    /// <param name="buckets">Those that are used get plans 1, 2 and so on; of two for the same mix
    /// the first.</param>
    public PlanTable(Plan sequential, IEnumerable<PlanBucket> buckets)
    {
        var used = buckets.Where(bucket => bucket.IsUsed).DistinctBy(bucket => bucket.Mix);
        PlanBucket[] kept = [.. used];
        Plans = [sequential, .. kept.Select(bucket => bucket.Plan)];
        _mixes = [.. kept.Select(bucket => bucket.Mix)];
    }

    /// <summary>Bucket b has plan b + 1.</summary>
    public IReadOnlyList<Plan> Plans { get; }

    public IReadOnlyList<StepMix> Mixes => _mixes;

    public static StepMix MixOf(in StepInfo step) => new(
        step.RowCount, step.DecodeCount, (int)(step.ReachedTokens / Math.Max(1, step.RowCount)));

    /// <summary>The nearest bucket that fits, or None. Of two equally near ones the
    /// first.</summary>
    public int Pick(StepMix step)
    {
        var best = None;
        var nearest = double.PositiveInfinity;
        for (var bucket = 0; bucket < _mixes.Length; bucket++)
        {
            var distance = Distance(_mixes[bucket], step);
            if (distance < nearest)
            {
                best = bucket;
                nearest = distance;
            }
        }
        return best;
    }

    // Of rows, decode share and context, each as a part of how far it may be off; infinite: it does
    // not fit.
    private static double Distance(StepMix bucket, StepMix step)
    {
        var rows = Math.Log2((double)step.Rows / bucket.Rows);
        var share = Math.Abs(step.DecodeShare - bucket.DecodeShare);
        var context = Math.Abs(Math.Log2(
            Math.Max(1.0, step.Context) / Math.Max(1.0, bucket.Context)));
        return rows is >= LeastRows and <= MostRows && context <= ContextReach
            && FitsShare(bucket, step, share)
            ? Math.Abs(rows) + share / ShareReach + context / ContextReach
            : double.PositiveInfinity;
    }

    // A plan for both kinds of rows is not for a step of one: half of its lanes would be idle.
    private static bool FitsShare(StepMix bucket, StepMix step, double share) => IsPure(bucket)
        ? share <= PureReach
        : share <= ShareReach && !IsPure(step);

    private static bool IsPure(StepMix mix) => mix.DecodeRows == 0 || mix.PrefillRows == 0;
}
