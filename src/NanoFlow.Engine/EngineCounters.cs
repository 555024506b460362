using System.Globalization;

namespace NanoFlow.Engine;

/// <summary>Steps that one plan ran.</summary>
/// <param name="plan">"sequential", or rows x decode rows x context of the mix that it was found
/// for, e.g. "512x64x1024".</param>
public sealed class PlanCount(string plan)
{
    private long _steps;

    public string Plan { get; } = plan;

    public long Steps => Volatile.Read(ref _steps);

    internal void Add() => Volatile.Write(ref _steps, _steps + 1);
}

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
    private int _favouredPlans;
    private long _planFallbacks;
    private long _planReturns;

    internal EngineCounters(int pageCount, PlanTable plans)
    {
        PageCount = pageCount;
        _favouredPlans = plans.Mixes.Count;
        Plans =
        [
            new PlanCount("sequential"),
            .. plans.Mixes.Select(mix => new PlanCount(string.Create(
                CultureInfo.InvariantCulture, $"{mix.Rows}x{mix.DecodeRows}x{mix.Context}"))),
        ];
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

    /// <summary>Steps by the plan that ran them, the sequential one first.</summary>
    public IReadOnlyList<PlanCount> Plans { get; }

    /// <summary>Plans that run the steps near their mix; the others turned out not to be
    /// faster.</summary>
    public int FavouredPlans => Volatile.Read(ref _favouredPlans);

    /// <summary>How often a plan was given up for the sequential one.</summary>
    public long PlanFallbacks => Volatile.Read(ref _planFallbacks);

    /// <summary>How often one was taken up again.</summary>
    public long PlanReturns => Volatile.Read(ref _planReturns);

    internal void Publish(StepPlans plans)
    {
        Volatile.Write(ref _favouredPlans, plans.FavouredCount);
        Volatile.Write(ref _planFallbacks, plans.FallbackCount);
        Volatile.Write(ref _planReturns, plans.ReturnCount);
    }

    internal void Publish(Scheduling.Scheduler scheduler, int queued)
    {
        Volatile.Write(ref _running, scheduler.RunningCount);
        Volatile.Write(ref _waiting, Math.Max(scheduler.WaitingCount, queued));
        Volatile.Write(ref _usedPages, scheduler.UsedPages);
        Volatile.Write(ref _preemptions, scheduler.PreemptionCount);
        Volatile.Write(ref _wastedTokens, scheduler.WastedTokens);
    }

    /// <param name="plan">Index in Plans.</param>
    internal void AddStep(in Scheduling.StepInfo step, int plan)
    {
        Plans[plan].Add();
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
