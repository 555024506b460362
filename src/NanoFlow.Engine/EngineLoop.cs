// The one thread that drives the device. A turn:
//
//   take arrivals and cancellations - schedule and submit step n+1 - wait for step n - commit its
//   tokens - release step n+1 to sample
//
// so the forward pass of n+1 runs while the tokens of n are handled, and the device is never
// without work. The step in flight is a value; with nothing left to schedule the same turn simply
// waits for it. No lock, no await, no allocation. Any exception ends the engine for good: every
// generation ends with an error and the process is to be restarted.

using System.Diagnostics;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine;

internal sealed class EngineLoop : IDisposable
{
    // How often a waiting loop looks whether it should give up.
    private static readonly TimeSpan WaitSlice = TimeSpan.FromMilliseconds(50);

    // A device that does not come back in this time after everything was cancelled hangs; its
    // memory is then left to the end of the process.
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);

    private readonly IStepExecutor _executor;
    private readonly Scheduler _scheduler;
    private readonly StepPlans _plans;
    private readonly RequestQueue _queue;
    private readonly TaskCompletionSource _ended =
        new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _drained =
        new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private Step? _inFlight;
    private int _nextSlot;
    private bool _cancelAll;
    private bool _stopping;
    private Exception? _failure;
    private long _beat; // timestamp of the last turn; 0 while idle

    public EngineLoop(
        IStepExecutor executor, PlanTable plans, SchedulerOptions limits, RequestQueue queue)
    {
        _executor = executor;
        _plans = new StepPlans(plans);
        _scheduler = new Scheduler(limits);
        _queue = queue;
        Results = new StepResults(limits.MaxSequences);
        Counters = new EngineCounters(limits.PageCount, plans);
        _thread = new Thread(Run) { IsBackground = true, Name = "nanoflow engine" };
    }

    public StepResults Results { get; }

    public IStepExecutor Executor => _executor;

    public EngineCounters Counters { get; }

    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Completes when the queue is closed and everything accepted has ended.</summary>
    public Task Drained => _drained.Task;

    /// <summary>How long the current turn has taken; zero while idle.</summary>
    public TimeSpan SinceBeat
    {
        get
        {
            var beat = Volatile.Read(ref _beat);
            return beat == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(beat);
        }
    }

    public void Start() => _thread.Start();

    /// <summary>Ends everything that waits or runs, as cancelled.</summary>
    public void CancelAll()
    {
        Volatile.Write(ref _cancelAll, true);
        _queue.WakeUp();
    }

    public void Dispose()
    {
        Volatile.Write(ref _stopping, true);
        _queue.Close(SubmitOutcome.Draining);
        CancelAll();
        if (_ended.Task.Wait(StopLimit))
        {
            _executor.Dispose();
        }
    }

    private void Run()
    {
        try
        {
            while (true)
            {
                if (Turn())
                {
                    continue;
                }
                _scheduler.CheckIdle();
                if (_queue.IsDrained)
                {
                    _scheduler.CheckInvariants();
                    _drained.TrySetResult();
                    if (Volatile.Read(ref _stopping))
                    {
                        break;
                    }
                }
                Volatile.Write(ref _beat, 0);
                _queue.WaitForWork();
            }
        }
        catch (Exception e)
        {
            Fail(e);
        }
        Volatile.Write(ref _beat, 0);
        _drained.TrySetResult();
        _ended.TrySetResult();
    }

    // False: there is nothing to do until something arrives.
    private bool Turn()
    {
        Volatile.Write(ref _beat, Stopwatch.GetTimestamp());
        TakeMessages();
        var next = TrySubmit();
        var oldest = _inFlight;
        if (oldest is { } step)
        {
            Complete(step);
        }
        if (next is { } submitted)
        {
            _executor.Release(submitted.Slot);
        }
        _inFlight = next;
        Counters.Publish(_scheduler, _queue.WaitingCount);
        Counters.Publish(_plans);
        return next is not null || oldest is not null;
    }

    private void TakeMessages()
    {
        while (_queue.TryTakeArrival(out var generation))
        {
            if (generation.IsCancelRequested)
            {
                // Its cancellation may have come first and ended it already.
                _scheduler.Cancel(generation.Sequence);
                _queue.Leave(generation);
            }
            else
            {
                _scheduler.Enqueue(generation.Sequence);
            }
        }
        while (_queue.TryTakeCancel(out var generation))
        {
            _scheduler.Cancel(generation.Sequence);
        }
        if (Volatile.Read(ref _cancelAll))
        {
            _scheduler.FinishAll(FinishReason.Cancelled);
        }
    }

    private Step? TrySubmit()
    {
        var slot = _nextSlot;
        if (!_scheduler.TrySchedule(_executor.Begin(slot), out var info))
        {
            return null;
        }
        var plan = _plans.Choose(info);
        _executor.Submit(slot, info, plan.Plan);
        Counters.AddStep(info, plan.Plan);
        _nextSlot = (slot + 1) % _executor.SlotCount;
        return new Step(info, slot, plan);
    }

    private void Complete(Step step)
    {
        while (!_executor.TryWait(step.Slot, WaitSlice, Results))
        {
            if (Volatile.Read(ref _cancelAll))
            {
                TakeMessages();
            }
        }
        _plans.Complete(step.Plan, step.Info, Results.DeviceMicroseconds);
        Counters.AddResults(Results, step.Info.ScoreCount);
        _scheduler.Complete(step.Info.Number, Results.Tokens.AsSpan(0, Results.Count));
    }

    private void Fail(Exception failure)
    {
        Volatile.Write(ref _failure, failure);
        _queue.Close(SubmitOutcome.Failed);
        _scheduler.FinishAll(FinishReason.Error);
        var spin = new SpinWait();
        while (!_queue.IsDrained)
        {
            // Whoever was on the way in when the queue was closed arrives in a moment.
            while (_queue.TryTakeArrival(out var generation))
            {
                _scheduler.Fail(generation.Sequence);
                _queue.Leave(generation);
            }
            spin.SpinOnce();
        }
        Counters.Publish(_scheduler, 0);
    }

    private readonly record struct Step(StepInfo Info, int Slot, StepPlan Plan);
}
