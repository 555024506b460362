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
