using NanoFlow.Scheduling;

namespace NanoFlow.Scheduling.Tests;

public class AllocationTests
{
    private const int Warm = 500;
    private const int Measured = 2_000;

    [Fact]
    public void Step_AnyLoad_AllocatesNothing()
    {
        var options = new SchedulerOptions
        {
            MaxSequences = 16,
            MaxStepRows = 64,
            MaxPositions = 80,
            PageTokens = 4,
            PageCount = 40,
            LongRopeAfter = 40,
        };
        var scheduler = new Scheduler(options);
        var arrivals = new Queue<Sequence>();
        var random = new Random(3);
        for (var i = 0; i < Warm + Measured; i++)
        {
            arrivals.Enqueue(new Sequence(
                new int[random.Next(1, 20)], random.Next(1, 60), SamplingParams.Greedy)
            {
                EndTokens = [0],
                PromptLogProbs = i % 4 == 0 ? 2 : null,
            });
        }

        Run(scheduler, arrivals, Warm);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run(scheduler, arrivals, Measured);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.True(scheduler.PreemptionCount > 0, "pages never ran out");
        Assert.Equal(0, allocated);
    }

    // The room for tokens doubles: a long answer is a handful of allocations, whatever its limit,
    // and no step between them allocates.
    [Fact]
    public void Step_LongAnswer_AllocatesOnlyWhenItsRoomDoubles()
    {
        const int Length = 16 * Sequence.FirstNewTokens;
        const int Doublings = 4;
        const int FirstSteps = 100;
        var scheduler = new Scheduler(new SchedulerOptions
        {
            MaxSequences = 1,
            MaxStepRows = 64,
            MaxPositions = 2 * Length,
            PageTokens = 128,
            PageCount = 2 * Length / 128,
        });
        scheduler.Enqueue(new Sequence([1], Length, SamplingParams.Greedy));
        var allocated = new List<long>(Length);
        for (var i = 0; i < Length; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Assert.True(scheduler.TrySchedule(NullWriter.Instance, out var step));
            scheduler.Complete(step.Number, [2]);
            allocated.Add(GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.False(scheduler.TrySchedule(NullWriter.Instance, out _));
        var later = allocated.Skip(FirstSteps).ToArray();
        Assert.Equal(Doublings, later.Count(bytes => bytes > 0));
        Assert.InRange(later.Sum(), 1, 2 * sizeof(int) * (Length + Sequence.FirstNewTokens));
    }

    [Fact]
    public void Sequence_WholeContextAsItsLimit_TakesRoomForTheFirstTokensOnly()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var sequence = new Sequence([1, 2], 1 << 20, SamplingParams.Greedy);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(2, sequence.TokenAt(1));
        Assert.InRange(allocated, 1, 4 * sizeof(int) * Sequence.FirstNewTokens);
    }

    private static void Run(Scheduler scheduler, Queue<Sequence> arrivals, int steps)
    {
        var writer = NullWriter.Instance;
        Span<int> tokens = stackalloc int[16];
        StepInfo? previous = null;
        for (var i = 0; i < steps; i++)
        {
            scheduler.Enqueue(arrivals.Dequeue());
            var scheduled = scheduler.TrySchedule(writer, out var step);
            if (previous is { } oldest)
            {
                for (var sample = 0; sample < oldest.SampleCount; sample++)
                {
                    tokens[sample] = (i * 31 + sample * 17) % 23;
                }
                scheduler.Complete(oldest.Number, tokens[..oldest.SampleCount]);
            }
            previous = scheduled ? step : null;
            if (i % 100 == 0)
            {
                scheduler.CheckInvariants();
            }
        }
        if (previous is { } last)
        {
            tokens.Fill(1);
            scheduler.Complete(last.Number, tokens[..last.SampleCount]);
        }
    }

    private sealed class NullWriter : IStepWriter
    {
        public static readonly NullWriter Instance = new();

        public void Add(
            Sequence sequence,
            SequencePart part,
            ReadOnlySpan<int> pages,
            ReadOnlySpan<int> tokens)
        {
        }
    }
}
