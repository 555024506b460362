// Runs a scheduler against a fake device and clients that come and go, in virtual time, from one
// seed. After every tick all invariants hold; at the end every sequence has finished once,
// with the tokens it would have had alone, and everything is free again.

using NanoFlow.Scheduling;

namespace NanoFlow.Scheduling.Tests;

internal sealed class Simulation
{
    // A drain that takes longer than any load of a seed can explain is a deadlock.
    private const int DrainTicks = 200_000;

    // Clients at a time: enough for a long queue, few enough to look at all of them in every tick.
    private const int MaxLive = 48;

    private readonly Workload _workload;
    private readonly Fault _fault;
    private readonly List<SimulatedClient> _live = [];
    private readonly Dictionary<Sequence, SimulatedClient> _clients = [];
    private readonly Dictionary<SimulatedClient, int> _stepsWithoutRow = [];
    private readonly StepChecker _checker;
    private readonly FakeDevice _device;
    private int _nextId;
    private int _waiting;

    public Simulation(int seed, Fault? fault = null)
    {
        _workload = new Workload(seed);
        _fault = fault ?? new Fault();
        Scheduler = new Scheduler(_workload.Options);
        _checker = new StepChecker(_workload.Options, _clients);
        _device = new FakeDevice(_workload.Options);
    }

    public Scheduler Scheduler { get; }

    public long Steps { get; private set; }

    public int Finished { get; private set; }

    /// <summary>Sequences that grew past the border of the long rope while they ran.</summary>
    public int Outgrown { get; private set; }

    /// <summary>Runs until so many steps were submitted, then until everybody is served.</summary>
    public void Run(int steps)
    {
        // A load of few arrivals leaves most ticks without a step.
        for (var tick = 0; Steps < steps && tick < steps * 20; tick++)
        {
            Arrive(_workload.Arrivals());
            Tick();
        }
        for (var tick = 0; _live.Count > 0 || _device.InFlight > 0; tick++)
        {
            Violation.If(tick > DrainTicks, "deadlock");
            Tick();
        }
        Scheduler.CheckInvariants();
        Violation.If(!Scheduler.IsIdle, "not idle at the end");
        Violation.If(Scheduler.UsedPages != 0, "pages leaked");
    }

    private void Tick()
    {
        _fault.BeforeTick(Scheduler);
        MaybeCancel();
        switch (_workload.Mode)
        {
            case CompletionMode.LookAhead:
                var scheduled = Schedule();
                MaybeCancel();
                if (_device.InFlight == Scheduler.MaxStepsInFlight || !scheduled)
                {
                    CompleteOldest();
                }
                break;
            case CompletionMode.OneStep:
                Schedule();
                MaybeCancel();
                CompleteOldest();
                break;
            default:
                if (_workload.Chance(0.6))
                {
                    Schedule();
                }
                else
                {
                    CompleteOldest();
                }
                break;
        }
        MaybeCancel();
        Scheduler.CheckInvariants();
        Retire();
    }

    private void Arrive(int count)
    {
        for (var i = 0; i < count && _live.Count < MaxLive; i++)
        {
            var client = new SimulatedClient(_workload.Next(_nextId++), _fault);
            _live.Add(client);
            _clients.Add(client.Sequence, client);
            Scheduler.Enqueue(client.Sequence);
            _fault.AfterEnqueue(Scheduler, client.Sequence);
        }
    }

    private bool Schedule()
    {
        _checker.Begin(Steps + 1);
        var isFull = _device.InFlight == Scheduler.MaxStepsInFlight;
        if (!Scheduler.TrySchedule(_fault.Wrap(_checker), out var info))
        {
            Violation.If(
                _device.InFlight == 0 && _live.Exists(c => !c.IsFinished),
                "nothing in flight, and nothing is scheduled");
            return false;
        }
        Violation.If(isFull, "more than two steps in flight");
        Steps++;
        var parts = _checker.End(info);
        _device.Submit(info.Number, parts);
        CheckOrder();
        CheckProgress();
        return true;
    }

    private void CompleteOldest()
    {
        if (_device.InFlight == 0)
        {
            return;
        }
        _fault.BeforeExecute(Scheduler, _checker.Completed + 1);
        var (step, tokens) = _device.Execute();
        _checker.Completed = step;
        _fault.OnTokens(tokens);
        foreach (var client in _live)
        {
            client.Results = tokens;
        }
        Scheduler.Complete(step, tokens);
    }

    private void MaybeCancel()
    {
        if (_live.Count == 0 || !_workload.Chance(_workload.CancelChance))
        {
            return;
        }
        var client = _live[_workload.Choose(_live.Count)];
        client.Cancel();
        if (!_fault.DropsCancel(client.Sequence))
        {
            Scheduler.Cancel(client.Sequence);
            Scheduler.Cancel(client.Sequence);
        }
    }

    // First come, first served: who runs has arrived before everyone who waits. _live is in order
    // of arrival.
    private void CheckOrder()
    {
        var waits = false;
        _waiting = 0;
        foreach (var client in _live)
        {
            var runs = client.Sequence.State == SequenceState.Running;
            Violation.If(runs && waits, "overtaken in the queue");
            waits |= client.Sequence.State == SequenceState.Waiting;
            _waiting += client.Sequence.State == SequenceState.Waiting ? 1 : 0;
        }
    }

    // A sequence that decodes gets a row at least once in so many steps: when pages run out, either
    // it or somebody before it needs one within a page of steps. One that starts again with the
    // long rope does not decode.
    private void CheckProgress()
    {
        Violation.If(_waiting != Scheduler.WaitingCount, "waiting miscounted");
        var limit = _workload.Options.PageTokens + 4;
        foreach (var client in _live)
        {
            var isDue = client.Sequence.State == SequenceState.Running
                && client.Sampled > 0
                && client.Sampled < client.Spec.MaxNewTokens
                && !_checker.InStep.Contains(client)
                && client.Computed >= client.Spec.Prompt.Length + client.Sampled - 1
                && client.HasLongRope == client.Spec.IsLong(client.Sequence.TokenCount);
            var steps = isDue ? _stepsWithoutRow.GetValueOrDefault(client) + 1 : 0;
            _stepsWithoutRow[client] = steps;
            Violation.If(steps > limit, $"starved: no decode row in {steps} steps");
        }
    }

    private void Retire()
    {
        for (var i = _live.Count - 1; i >= 0; i--)
        {
            var client = _live[i];
            if (client.IsFinished && client.LastStep <= _checker.Completed)
            {
                client.CheckOutcome();
                Outgrown += client.HasLongRope
                    && !client.Spec.IsLong(client.Spec.Prompt.Length) ? 1 : 0;
                _live.RemoveAt(i);
                _clients.Remove(client.Sequence);
                _stepsWithoutRow.Remove(client);
                Finished++;
            }
        }
    }
}
