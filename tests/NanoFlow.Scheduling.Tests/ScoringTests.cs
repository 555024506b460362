using NanoFlow.Scheduling;

namespace NanoFlow.Scheduling.Tests;

public class ScoringTests
{
    private static readonly SchedulerOptions Small = new()
    {
        MaxSequences = 4,
        MaxStepRows = 8,
        MaxPositions = 32,
        PageTokens = 4,
        PageCount = 32,
    };

    private readonly Scheduler _scheduler = new(Small);
    private readonly Recorder _recorder = new();

    [Fact]
    public void TrySchedule_ScoredPrompt_ChunksAreCutToTheSamplesOfAStep()
    {
        Enqueue(prompt: 10, output: 2, scored: true);

        Complete(Next());
        Complete(Next());
        var last = Next();

        Assert.Equal([(0, 4, 4), (4, 4, 4), (8, 2, 1)], _recorder.Parts);
        Assert.Equal((2, 1), (last.SampleCount, last.ScoreCount));
        Complete(last);
        Assert.Equal([0, 1, 2, 3, 0, 1, 2, 3, 0], _recorder.Scores);
        Assert.Equal(1, _recorder.Tokens);
    }

    [Fact]
    public void TrySchedule_ScoredPromptBesideDecodes_EverybodyGetsARow()
    {
        Enqueue(prompt: 2, output: 9);
        Enqueue(prompt: 2, output: 9);
        Complete(Next());
        Enqueue(prompt: 12, output: 1, scored: true);
        _recorder.Parts.Clear();

        Complete(Next());
        Complete(Next());

        Assert.Equal(
            [(2, 1, 0), (2, 1, 0), (0, 2, 2), (3, 1, 0), (3, 1, 0), (2, 2, 2)], _recorder.Parts);
    }

    [Fact]
    public void TrySchedule_ScoredPromptIsRunning_NewcomersAreAdmitted()
    {
        Enqueue(prompt: 20, output: 1, scored: true);
        Complete(Next());
        Enqueue(prompt: 2, output: 9);
        Enqueue(prompt: 2, output: 9);

        Complete(Next());

        Assert.Equal(2, _scheduler.RunningCount);
        Complete(Next());
        Assert.Equal(3, _scheduler.RunningCount);
    }

    [Fact]
    public void TrySchedule_EveryPromptScored_NeverMoreSamplesThanAllowed()
    {
        for (var i = 0; i < 12; i++)
        {
            Enqueue(prompt: 3 + i, output: i % 3, scored: i % 4 != 0);
        }
        while (!_scheduler.IsIdle)
        {
            var step = Next();
            Assert.InRange(step.SampleCount, 1, Small.MaxSequences);
            Complete(step);
            _scheduler.CheckInvariants();
        }
        Assert.Equal(12, _recorder.Reasons.Count);
    }

    [Fact]
    public void Complete_NothingToGenerate_EndsWithThePrompt()
    {
        Enqueue(prompt: 6, output: 0);
        var mean = Enqueue(prompt: 1, output: 0, pooling: Pooling.Mean);

        Complete(Next());

        Assert.Equal([FinishReason.Length, FinishReason.Length], _recorder.Reasons);
        Assert.Equal((0, 0), (_recorder.Tokens, mean.NewTokenCount));
        Assert.Equal([1], _recorder.PooledSlots);
        Assert.True(_scheduler.IsIdle);
        Assert.Equal(0, _scheduler.WastedTokens);
    }

    [Fact]
    public void Complete_CancelledBeforeItsScores_DropsThem()
    {
        var sequence = Enqueue(prompt: 6, output: 0, scored: true);
        var step = Next();
        _scheduler.Cancel(sequence);

        Complete(step);

        Assert.Empty(_recorder.Scores);
        Assert.True(_scheduler.IsIdle);
    }

    [Fact]
    public void Complete_NoScoreFromTheDevice_EndsTheSequence()
    {
        Enqueue(prompt: 3, output: 1, scored: true);

        _scheduler.Complete(Next().Number, [0, -1, 0]);

        Assert.Equal([FinishReason.Error], _recorder.Reasons);
        Assert.Single(_recorder.Scores);
    }

    private Sequence Enqueue(
        int prompt, int output, bool scored = false, Pooling pooling = Pooling.None)
    {
        var sequence = new Sequence(new int[prompt], output, SamplingParams.Greedy)
        {
            PromptLogProbs = scored ? 0 : null,
            Pooling = pooling,
            Listener = _recorder,
        };
        _scheduler.Enqueue(sequence);
        return sequence;
    }

    private StepInfo Next()
    {
        Assert.True(_scheduler.TrySchedule(_recorder, out var step));
        return step;
    }

    private void Complete(StepInfo step) =>
        _scheduler.Complete(step.Number, new int[step.SampleCount]);

    private sealed class Recorder : IStepWriter, ISequenceListener
    {
        public List<(int Position, int Rows, int Scores)> Parts { get; } = [];

        public List<int> Scores { get; } = [];

        public List<int> PooledSlots { get; } = [];

        public List<FinishReason> Reasons { get; } = [];

        public int Tokens { get; private set; }

        public void Add(
            Sequence sequence,
            SequencePart part,
            ReadOnlySpan<int> pages,
            ReadOnlySpan<int> tokens) =>
            Parts.Add((part.Position, part.RowCount, part.Scores));

        public void OnAdmitted(Sequence sequence)
        {
            // When it runs is seen in the steps.
        }

        public void OnPromptScore(Sequence sequence, int sample) => Scores.Add(sample);

        public void OnPooled(Sequence sequence, int slot) => PooledSlots.Add(slot);

        public void OnToken(Sequence sequence, int token, int sample, bool isEnd) => Tokens++;

        public void OnFinished(Sequence sequence, FinishReason reason) => Reasons.Add(reason);
    }
}
