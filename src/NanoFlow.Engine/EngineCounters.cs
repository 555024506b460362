namespace NanoFlow.Engine;

/// <summary>What the engine counts, for metrics. Written by its thread once a step, read by any;
/// the instruments themselves are the server's.</summary>
public sealed class EngineCounters
{
    private long _running;
    private long _waiting;
    private long _usedPages;
    private long _steps;
    private long _rows;
    private long _preemptions;
    private long _wastedTokens;
    private long _generatedTokens;
    private long _deviceMicroseconds;

    internal EngineCounters(int pageCount)
    {
        PageCount = pageCount;
    }

    public int PageCount { get; }

    /// <summary>Sequences that take part in steps.</summary>
    public long Running => Volatile.Read(ref _running);

    /// <summary>Sequences that wait to be admitted, for the first time or again.</summary>
    public long Waiting => Volatile.Read(ref _waiting);

    public long UsedPages => Volatile.Read(ref _usedPages);

    /// <summary>Share of the KV pages in use; 1 is all.</summary>
    public double KvCacheUsage => (double)UsedPages / PageCount;

    public long Steps => Volatile.Read(ref _steps);

    /// <summary>Rows computed, prefill and decode.</summary>
    public long Rows => Volatile.Read(ref _rows);

    public long Preemptions => Volatile.Read(ref _preemptions);

    /// <summary>Tokens computed past a stop.</summary>
    public long WastedTokens => Volatile.Read(ref _wastedTokens);

    /// <summary>Tokens drawn, those wasted and those that only tell the end of a prompt
    /// included.</summary>
    public long GeneratedTokens => Volatile.Read(ref _generatedTokens);

    /// <summary>Time the device was busy.</summary>
    public long DeviceMicroseconds => Volatile.Read(ref _deviceMicroseconds);

    internal void Publish(Scheduling.Scheduler scheduler, int queued)
    {
        Volatile.Write(ref _running, scheduler.RunningCount);
        Volatile.Write(ref _waiting, Math.Max(scheduler.WaitingCount, queued));
        Volatile.Write(ref _usedPages, scheduler.UsedPages);
        Volatile.Write(ref _preemptions, scheduler.PreemptionCount);
        Volatile.Write(ref _wastedTokens, scheduler.WastedTokens);
    }

    internal void AddStep(in Scheduling.StepInfo step)
    {
        Volatile.Write(ref _steps, _steps + 1);
        Volatile.Write(ref _rows, _rows + step.RowCount);
    }

    internal void AddResults(StepResults results, int scores)
    {
        Volatile.Write(ref _generatedTokens, _generatedTokens + results.Count - scores);
        Volatile.Write(
            ref _deviceMicroseconds, _deviceMicroseconds + results.DeviceMicroseconds);
    }
}
