using NanoFlow.Scheduling;

namespace NanoFlow.Scheduling.Tests;

public class SchedulerTests
{
    private static readonly SchedulerOptions Small = new()
    {
        MaxSequences = 4,
        MaxStepRows = 8,
        MaxPositions = 32,
        PageTokens = 4,
        PageCount = 16,
    };

    [Fact]
    public void TrySchedule_PromptLongerThanStep_IsCutIntoChunks()
    {
        var scheduler = new Scheduler(Small);
        var writer = new RecordingWriter();
        scheduler.Enqueue(NewSequence(prompt: 19, output: 2));

        Complete(scheduler, Next(scheduler, writer));
        Complete(scheduler, Next(scheduler, writer));
        Complete(scheduler, Next(scheduler, writer), 7);

        Assert.Equal([(0, 8), (8, 8), (16, 3)], writer.Rows);
        Assert.Equal([false, false, true], writer.Parts.Select(p => p.Samples));
        Assert.Equal([true, false, false], writer.Parts.Select(p => p.ResetsSlot));
    }

    [Fact]
    public void TrySchedule_TokenInFlight_IsWrittenAsMinusOne()
    {
        var scheduler = new Scheduler(Small);
        var writer = new RecordingWriter();
        scheduler.Enqueue(NewSequence(prompt: 3, output: 4));

        Next(scheduler, writer);
        Next(scheduler, writer);

        Assert.Equal([(0, 3), (3, 1)], writer.Rows);
        Assert.Equal(-1, writer.LastToken);
        Assert.False(scheduler.TrySchedule(writer, out _), "two steps are in flight");
    }

    [Fact]
    public void TrySchedule_SequenceOutgrowsItsRope_IsComputedAgainOnceItsTokenIsKnown()
    {
        var scheduler = new Scheduler(Small with { LongRopeAfter = 4 });
        var writer = new RecordingWriter();
        scheduler.Enqueue(NewSequence(prompt: 3, output: 9));

        var first = Next(scheduler, writer);
        var second = Next(scheduler, writer);
        Complete(scheduler, first, 7);
        Assert.False(scheduler.TrySchedule(writer, out _), "the fifth token is in flight");
        Complete(scheduler, second, 8);
        Complete(scheduler, Next(scheduler, writer), 9);
        Complete(scheduler, Next(scheduler, writer), 10);

        Assert.Equal([(0, 3), (3, 1), (0, 5), (5, 1)], writer.Rows);
        Assert.Equal([false, false, true, true], writer.Parts.Select(p => p.HasLongRope));
        Assert.Equal([true, false, true, false], writer.Parts.Select(p => p.ResetsSlot));
        Assert.Equal(0, scheduler.PreemptionCount);
        scheduler.CheckInvariants();
    }

    [Fact]
    public void TrySchedule_PromptBeyondTheBorder_HasTheLongRopeFromItsFirstRow()
    {
        var scheduler = new Scheduler(Small with { LongRopeAfter = 4 });
        var writer = new RecordingWriter();
        scheduler.Enqueue(NewSequence(prompt: 4, output: 1));
        scheduler.Enqueue(NewSequence(prompt: 5, output: 2));

        Next(scheduler, writer);
        Next(scheduler, writer);

        Assert.Equal([(0, 4), (0, 4), (4, 1)], writer.Rows);
        Assert.Equal([false, true, true], writer.Parts.Select(p => p.HasLongRope));
    }

    [Fact]
    public void TrySchedule_EndTokenAtTheBorder_StartsNothingAgain()
    {
        var scheduler = new Scheduler(Small with { LongRopeAfter = 3 });
        var writer = new RecordingWriter();
        var told = new Told();
        scheduler.Enqueue(NewSequence(prompt: 3, output: 9, told, end: 42));

        Complete(scheduler, Next(scheduler, writer), 42);

        Assert.Equal(FinishReason.Stop, told.Reason);
        Assert.Equal(0, scheduler.WastedTokens);
        Assert.True(scheduler.IsIdle);
    }

    [Fact]
    public void TrySchedule_SeveralPrompts_ShareAStepBehindDecodeRows()
    {
        var scheduler = new Scheduler(Small);
        var writer = new RecordingWriter();
        scheduler.Enqueue(NewSequence(prompt: 2, output: 4));
        Complete(scheduler, Next(scheduler, writer), 5);
        scheduler.Enqueue(NewSequence(prompt: 3, output: 4));
        scheduler.Enqueue(NewSequence(prompt: 9, output: 4));

        var step = Next(scheduler, writer);

        Assert.Equal((3, 1, 8), (step.SequenceCount, step.DecodeCount, step.RowCount));
        Assert.Equal([(2, 1), (0, 3), (0, 4)], writer.Rows[1..]);
        Assert.Equal(2, step.SampleCount);
    }

    [Fact]
    public void Complete_EndTokenWithOneRowAhead_DropsAndCountsIt()
    {
        var scheduler = new Scheduler(Small);
        var writer = new RecordingWriter();
        var told = new Told();
        scheduler.Enqueue(NewSequence(prompt: 3, output: 9, told, end: 42));

        var first = Next(scheduler, writer);
        var second = Next(scheduler, writer);
        Complete(scheduler, first, 42);
        Assert.Equal([42], told.Tokens);
        Assert.Equal(FinishReason.Stop, told.Reason);
        Assert.Equal(1, scheduler.UsedPages);
        Complete(scheduler, second, 6);

        Assert.Equal([42], told.Tokens);
        Assert.Equal(1, scheduler.WastedTokens);
        Assert.True(scheduler.IsIdle);
        Assert.Equal(0, scheduler.UsedPages);
    }

    [Fact]
    public void Complete_LengthReached_WastesNothing()
    {
        var scheduler = new Scheduler(Small);
        var writer = new RecordingWriter();
        var told = new Told();
        scheduler.Enqueue(NewSequence(prompt: 3, output: 1, told));

        var step = Next(scheduler, writer);
        Assert.False(scheduler.TrySchedule(writer, out _));
        Complete(scheduler, step, 6);

        Assert.Equal(FinishReason.Length, told.Reason);
        Assert.Equal(0, scheduler.WastedTokens);
    }

    [Fact]
    public void Complete_MinNewTokens_IgnoresEarlyEnd()
    {
        var scheduler = new Scheduler(Small);
        var writer = new RecordingWriter();
        var told = new Told();
        scheduler.Enqueue(NewSequence(prompt: 3, output: 9, told, end: 42, minNew: 2));

        for (var i = 0; i < 3; i++)
        {
            Complete(scheduler, Next(scheduler, writer), 42);
        }

        Assert.Equal([42, 42, 42], told.Tokens);
        Assert.Equal(FinishReason.Stop, told.Reason);
    }

    [Fact]
    public void Complete_NegativeToken_EndsThatSequenceOnly()
    {
        var scheduler = new Scheduler(Small);
        var writer = new RecordingWriter();
        var (bad, good) = (new Told(), new Told());
        scheduler.Enqueue(NewSequence(prompt: 2, output: 4, bad));
        scheduler.Enqueue(NewSequence(prompt: 2, output: 4, good));

        Complete(scheduler, Next(scheduler, writer), -1, 9);

        Assert.Equal(FinishReason.Error, bad.Reason);
        Assert.Null(good.Reason);
        Assert.Equal([9], good.Tokens);
    }

    [Fact]
    public void Complete_OutOfOrder_IsRefused()
    {
        var scheduler = new Scheduler(Small);
        var writer = new RecordingWriter();
        scheduler.Enqueue(NewSequence(prompt: 2, output: 4));
        Next(scheduler, writer);
        var second = Next(scheduler, writer);

        Assert.Throws<InvalidOperationException>(() => Complete(scheduler, second, 1));
        Assert.Throws<ArgumentException>(() => scheduler.Complete(second.Number - 1, [1, 2]));
    }

    [Fact]
    public void Cancel_RowsInFlight_FinishesAtOnceAndKeepsPagesUntilTheStepEnds()
    {
        var scheduler = new Scheduler(Small);
        var writer = new RecordingWriter();
        var told = new Told();
        var sequence = NewSequence(prompt: 6, output: 4, told);
        scheduler.Enqueue(sequence);
        var step = Next(scheduler, writer);

        scheduler.Cancel(sequence);
        scheduler.Cancel(sequence);

        Assert.Equal(FinishReason.Cancelled, told.Reason);
        Assert.Equal(2, scheduler.UsedPages);
        Complete(scheduler, step, 1);
        Assert.Empty(told.Tokens);
        Assert.Equal(0, scheduler.UsedPages);
    }

    [Fact]
    public void TrySchedule_PagesRunOut_LatestIsPreemptedAndComputedAgain()
    {
        var scheduler = new Scheduler(Small with { PageCount = 8, PageTokens = 4 });
        var writer = new RecordingWriter();
        var (first, second) = (new Told(), new Told());
        ExpectShortOutputs(scheduler, writer);
        scheduler.Enqueue(NewSequence(prompt: 8, output: 24, first));
        scheduler.Enqueue(NewSequence(prompt: 8, output: 20, second));

        while (!scheduler.IsIdle)
        {
            var step = Next(scheduler, writer);
            Complete(scheduler, step, Enumerable.Repeat(1, step.SampleCount).ToArray());
            scheduler.CheckInvariants();
        }

        Assert.True(scheduler.PreemptionCount > 0);
        Assert.Equal(2 + scheduler.PreemptionCount, first.Admissions + second.Admissions);
        Assert.Equal((24, 20), (first.Tokens.Count, second.Tokens.Count));
    }

    [Fact]
    public void FinishAll_EverySequence_EndsOnceWithTheReason()
    {
        var scheduler = new Scheduler(Small with { MaxSequences = 1 });
        var (running, waiting) = (new Told(), new Told());
        scheduler.Enqueue(NewSequence(prompt: 2, output: 4, running));
        scheduler.Enqueue(NewSequence(prompt: 2, output: 4, waiting));
        Next(scheduler, new RecordingWriter());

        scheduler.FinishAll(FinishReason.Error);

        Assert.Equal(FinishReason.Error, running.Reason);
        Assert.Equal(FinishReason.Error, waiting.Reason);
        Assert.Equal(0, scheduler.RunningCount + scheduler.WaitingCount);
    }

    [Fact]
    public void Enqueue_TooLongOrTwice_IsRefused()
    {
        var scheduler = new Scheduler(Small);
        var sequence = NewSequence(prompt: 30, output: 2);
        scheduler.Enqueue(sequence);

        Assert.Throws<ArgumentException>(() => scheduler.Enqueue(sequence));
        Assert.Throws<ArgumentException>(() => scheduler.Enqueue(NewSequence(30, 3)));
    }

    [Theory]
    [InlineData(0, 8, 32, 4, 16)]
    [InlineData(4, 3, 32, 4, 16)]
    [InlineData(4, 8, 1, 4, 16)]
    [InlineData(4, 8, 32, 0, 16)]
    [InlineData(4, 8, 32, 4, 7)]
    public void Constructor_OptionOutOfRange_IsRefused(
        int sequences, int rows, int positions, int pageTokens, int pages)
    {
        var options = new SchedulerOptions
        {
            MaxSequences = sequences,
            MaxStepRows = rows,
            MaxPositions = positions,
            PageTokens = pageTokens,
            PageCount = pages,
        };
        Assert.Throws<ArgumentException>(() => new Scheduler(options));
    }

    private static Sequence NewSequence(
        int prompt, int output, Told? told = null, int end = -1, int minNew = 0) =>
        new(new int[prompt], output, SamplingParams.Greedy)
        {
            Listener = told,
            EndTokens = end >= 0 ? [end] : [],
            MinNewTokens = minNew,
        };

    // Admission has seen outputs of one token only, so it lets too many in.
    private static void ExpectShortOutputs(Scheduler scheduler, RecordingWriter writer)
    {
        for (var i = 0; i < 4; i++)
        {
            scheduler.Enqueue(NewSequence(prompt: 1, output: 9, end: 42));
            Complete(scheduler, Next(scheduler, writer), 42);
        }
    }

    private static StepInfo Next(Scheduler scheduler, RecordingWriter writer)
    {
        Assert.True(scheduler.TrySchedule(writer, out var step));
        return step;
    }

    private static void Complete(Scheduler scheduler, StepInfo step, params int[] tokens) =>
        scheduler.Complete(step.Number, tokens);

    private sealed class RecordingWriter : IStepWriter
    {
        public List<SequencePart> Parts { get; } = [];

        public (int Position, int Rows)[] Rows =>
            [.. Parts.Select(p => (p.Position, p.RowCount))];

        public int LastToken { get; private set; }

        public void Add(
            Sequence sequence,
            SequencePart part,
            ReadOnlySpan<int> pages,
            ReadOnlySpan<int> tokens)
        {
            Parts.Add(part);
            LastToken = tokens[^1];
        }
    }

    private sealed class Told : ISequenceListener
    {
        public List<int> Tokens { get; } = [];

        public FinishReason? Reason { get; private set; }

        public int Admissions { get; private set; }

        public void OnAdmitted(Sequence sequence) => Admissions++;

        public List<int> Scores { get; } = [];

        public void OnPromptScore(Sequence sequence, int sample) => Scores.Add(sample);

        public void OnPooled(Sequence sequence, int slot) => Tokens.Add(-1 - slot);

        public void OnToken(Sequence sequence, int token, int sample, bool isEnd) =>
            Tokens.Add(token);

        public void OnFinished(Sequence sequence, FinishReason reason)
        {
            Assert.Null(Reason);
            Reason = reason;
        }
    }
}
