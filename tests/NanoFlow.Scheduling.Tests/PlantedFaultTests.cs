// Each fault that the simulation must find, and how it is planted (see Fault.cs for why so).

using NanoFlow.Scheduling;

namespace NanoFlow.Scheduling.Tests;

public class PlantedFaultTests(ITestOutputHelper output)
{
    private const int Seeds = 300;
    private const int Steps = 500;

    private static readonly Dictionary<string, Func<Fault>> Faults = new()
    {
        ["page freed twice"] = () => new PageFreedTwice(),
        ["lost cancel"] = () => new LostCancel(),
        ["token past the end"] = () => new MissedEndToken(),
        ["page reused while in flight"] = () => new PageReusedInFlight(),
        ["slot not reset"] = () => new SlotNotReset(),
        ["wrong position after preemption"] = () => new WrongPositionAfterPreemption(),
        ["results swapped"] = () => new ResultsSwapped(),
        ["prefill chunk off by one"] = () => new ChunkOffByOne(),
        ["quarantine ends one step early"] = () => new QuarantineEndsEarly(),
        ["newcomers overtake the queue"] = () => new NewcomersFirst(),
        ["decode row left out"] = () => new DecodeStarved(),
        ["token in flight taken for known"] = () => new StaleTokenInFlight(),
        ["scores again after preemption"] = () => new ScoresForgotten(),
        ["scores of another token"] = () => new ScoreSkipped(),
        ["long rope without computing again"] = () => new RopeSwitchedInPlace(),
        ["long rope forgotten in a part"] = () => new RopeForgotten(),
    };

    public static TheoryData<string> Names => [.. Faults.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Simulation_PlantedFault_IsFound(string name)
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            var simulation = new Simulation(seed, Faults[name]());
            var failure = Record.Exception(() => simulation.Run(Steps));
            if (failure is not null)
            {
                output.WriteLine(
                    $"{name}: seed {seed}, {simulation.Steps} steps: {failure.Message}");
                return;
            }
        }
        Assert.Fail($"{name}: not found in {Seeds} seeds");
    }

    private static Sequence? FirstRunning(Scheduler scheduler) =>
        scheduler.RunningCount > 0 ? scheduler.Running[0] : null;

    // The release of a finished sequence has a page of another one in it.
    private sealed class PageFreedTwice : Fault
    {
        private int _tick;

        public override void BeforeTick(Scheduler scheduler)
        {
            if (++_tick % 50 == 0 && FirstRunning(scheduler) is { PageCount: > 0 } sequence)
            {
                var page = scheduler.Memory.HeldPages(sequence)[0];
                scheduler.Memory.Pages.Release(page, sequence.LastStep);
            }
        }
    }

    private sealed class LostCancel : Fault
    {
        private int _count;

        public override bool DropsCancel(Sequence sequence) => ++_count % 5 == 0;
    }

    // The scheduler does not know one of the end tokens.
    private sealed class MissedEndToken : Fault
    {
        public override int[] OnEndTokens(int[] tokens) => tokens.Length > 0 ? tokens[1..] : tokens;
    }

    // A sequence has forgotten that a step in flight names its pages.
    private sealed class PageReusedInFlight : Fault
    {
        public override void BeforeTick(Scheduler scheduler)
        {
            foreach (var sequence in scheduler.Running)
            {
                sequence.LastStep = Math.Min(sequence.LastStep, 1);
            }
        }
    }

    private sealed class SlotNotReset : PartFault
    {
        private int _count;

        public override void Add(
            Sequence sequence,
            SequencePart part,
            ReadOnlySpan<int> pages,
            ReadOnlySpan<int> tokens)
        {
            var loses = part.ResetsSlot && ++_count % 10 == 0;
            Pass(sequence, part with { ResetsSlot = part.ResetsSlot && !loses }, pages, tokens);
        }
    }

    // Preemption keeps the count of one computed row.
    private sealed class WrongPositionAfterPreemption : Fault
    {
        public override void BeforeTick(Scheduler scheduler)
        {
            if (scheduler.Waiting.Head is { NewTokenCount: > 0 } preempted)
            {
                preempted.Computed = 1;
            }
        }
    }

    private sealed class ResultsSwapped : Fault
    {
        private int _count;

        public override void OnTokens(int[] tokens)
        {
            if (tokens.Length > 1 && ++_count % 20 == 0)
            {
                (tokens[0], tokens[1]) = (tokens[1], tokens[0]);
            }
        }
    }

    // The next chunk starts one row too late.
    private sealed class ChunkOffByOne : Fault
    {
        public override void BeforeTick(Scheduler scheduler)
        {
            foreach (var sequence in scheduler.Running)
            {
                if (sequence.Computed > 0 && sequence.Computed < sequence.PrefillEnd - 1)
                {
                    sequence.Computed++;
                    return;
                }
            }
        }
    }

    // Pages of the step that is still running are given out with those of the step before.
    private sealed class QuarantineEndsEarly : Fault
    {
        public override void BeforeExecute(Scheduler scheduler, long step) =>
            scheduler.Memory.Pages.StepCompleted(step + 1);
    }

    private sealed class NewcomersFirst : Fault
    {
        private int _count;

        public override void AfterEnqueue(Scheduler scheduler, Sequence sequence)
        {
            if (++_count % 10 == 0)
            {
                scheduler.Waiting.Remove(sequence);
                scheduler.Waiting.PushFront(sequence);
            }
        }
    }

    // The oldest sequence never gets on: its row is taken back before every step.
    private sealed class DecodeStarved : Fault
    {
        private Sequence? _victim;

        public override void BeforeTick(Scheduler scheduler)
        {
            _victim ??= FirstRunning(scheduler);
            if (_victim is { State: SequenceState.Running, IsDecoding: true })
            {
                _victim.Computed = _victim.TokenCount + _victim.Pending;
            }
        }
    }

    // Preemption forgets which scores were delivered.
    private sealed class ScoresForgotten : Fault
    {
        public override void BeforeTick(Scheduler scheduler)
        {
            if (scheduler.Waiting.Head is { ScoredCount: > 0, PendingScores: 0 } preempted)
            {
                preempted.ScoredCount = 0;
            }
        }
    }

    // A row that should be scored is not.
    private sealed class ScoreSkipped : PartFault
    {
        private int _count;

        public override void Add(
            Sequence sequence,
            SequencePart part,
            ReadOnlySpan<int> pages,
            ReadOnlySpan<int> tokens)
        {
            var skips = part.Scores > 1 && ++_count % 10 == 0;
            Pass(sequence, part with { Scores = part.Scores - (skips ? 1 : 0) }, pages, tokens);
        }
    }

    // A sequence that outgrows its rope goes on with the long one over pages rotated the short way.
    private sealed class RopeSwitchedInPlace : Fault
    {
        public override void BeforeTick(Scheduler scheduler)
        {
            foreach (var sequence in scheduler.Running)
            {
                var limit = scheduler.Options.LongRopeAfter;
                sequence.HasLongRope |= limit > 0 && sequence.Computed == limit
                    && sequence.TokenCount > limit;
            }
        }
    }

    private sealed class RopeForgotten : PartFault
    {
        private int _count;

        public override void Add(
            Sequence sequence,
            SequencePart part,
            ReadOnlySpan<int> pages,
            ReadOnlySpan<int> tokens)
        {
            var loses = part.HasLongRope && ++_count % 10 == 0;
            Pass(sequence, part with { HasLongRope = part.HasLongRope && !loses }, pages, tokens);
        }
    }

    // The row of a token in flight carries the token before it instead of -1.
    private sealed class StaleTokenInFlight : PartFault
    {
        public override void Add(
            Sequence sequence,
            SequencePart part,
            ReadOnlySpan<int> pages,
            ReadOnlySpan<int> tokens)
        {
            if (tokens[0] >= 0)
            {
                Pass(sequence, part, pages, tokens);
                return;
            }
            Pass(sequence, part, pages, [sequence.Tokens[^1]]);
        }
    }
}
