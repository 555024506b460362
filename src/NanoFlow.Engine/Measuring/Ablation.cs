// What cutting into nano-batches costs and what overlapping them brings, apart from each other: the
// sequential plan, the same nano-ops as the found plan one after the other on one lane, and the
// found plan.

using NanoFlow.Planning;

namespace NanoFlow.Engine.Measuring;

/// <param name="Sequential">Microseconds of a step; so are the other two.</param>
/// <param name="Flops">Of a step.</param>
/// <param name="Bytes">Of a step, weights, activations and KV pages, each read or written
/// once.</param>
public sealed record AblationRow(
    StepMix Mix,
    PlanBucket Bucket,
    double Sequential,
    double Split,
    double Overlapped,
    double Flops,
    double Bytes);

public static class Ablation
{
    /// <param name="bucket">The plan to take apart; used or not.</param>
    public static AblationRow Run(IPlanBench bench, PlanBucket bucket, TimeSpan minimum)
    {
        var sequential = Plan.Sequential(
            bench.Graph, bench.Device.UnitCount, bucket.Plan.StepRows);
        var times = StepComparison.Run(
            bench,
            [sequential, bucket.Plan.OnOneLane(bench.Device.UnitCount), bucket.Plan],
            bucket.Mix,
            minimum);
        var work = StepWork.Of(bench.Graph, bucket.Mix);
        return new AblationRow(
            bucket.Mix, bucket, times[0], times[1], times[2], work.Flops, work.Bytes);
    }
}
