// The plan of every step: the bucket that is near (PlanTable), and in it what proves faster
// (PlanWatch). Two steps are in flight, so what was decided for a step travels with it and comes
// back with its time.

using NanoFlow.Scheduling;

namespace NanoFlow.Engine;

/// <param name="Bucket">Of the plan table, or None.</param>
internal readonly record struct StepPlan(int Bucket, WatchedStep Watched)
{
    /// <summary>Index in the table: 0 is sequential.</summary>
    public int Plan => Bucket != PlanTable.None && Watched.ByPlan ? Bucket + 1 : 0;
}

internal sealed class StepPlans
{
    private readonly PlanTable _table;
    private readonly PlanWatch[] _watches;

    public StepPlans(PlanTable table)
    {
        _table = table;
        _watches = [.. table.Mixes.Select(mix => new PlanWatch(mix))];
        FavouredCount = _watches.Length;
    }

    /// <summary>Buckets whose plan is favoured over the sequential one.</summary>
    public int FavouredCount { get; private set; }

    public long FallbackCount { get; private set; }

    public long ReturnCount { get; private set; }

    public StepPlan Choose(in StepInfo step)
    {
        var bucket = _table.Pick(PlanTable.MixOf(step));
        return new StepPlan(bucket, bucket == PlanTable.None ? default : _watches[bucket].Next());
    }

    /// <summary>Steps complete in the order they were chosen in.</summary>
    public void Complete(StepPlan chosen, in StepInfo step, long microseconds)
    {
        if (chosen.Bucket == PlanTable.None)
        {
            return;
        }
        switch (_watches[chosen.Bucket].Complete(chosen.Watched, step, microseconds))
        {
            case WatchOutcome.FellBack:
                FallbackCount++;
                FavouredCount--;
                break;
            case WatchOutcome.Returned:
                ReturnCount++;
                FavouredCount++;
                break;
        }
    }
}
