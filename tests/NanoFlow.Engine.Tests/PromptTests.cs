using NanoFlow.Scheduling;

namespace NanoFlow.Engine.Tests;

public class PromptTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Scores_OfEveryTokenButTheFirst_ComeBeforeTheAnswer(int newTokens)
    {
        using var engine = FakeEngine.Start(new FakeExecutor(), maxPositions: 1024);
        var generation = Generation(promptTokens: 600, newTokens, promptLogProbs: 2);

        engine.TrySubmit(generation);
        var more = await generation.WaitAsync().AsTask().WaitAsync(FakeEngine.Limit);

        Assert.Equal(newTokens > 0, more);
        var scores = generation.PromptScores!;
        Assert.Equal(599, scores.Count);
        for (var i = 0; i < scores.Count; i++)
        {
            var token = generation.Request.Prompt.Span[i + 1];
            var next = generation.Request.Prompt.Span[i] + 1;
            Assert.Equal(-token, scores[i].LogProb);
            Assert.Equal(
                [new TokenLogProb(next, -next), new TokenLogProb(next + 1, -next - 1)],
                scores[i].Top.ToArray());
        }
        Assert.Equal(newTokens, (await generation.ReadAll()).Count);
        Assert.Equal(FinishReason.Length, generation.Reason);
        Assert.Throws<ArgumentOutOfRangeException>(() => scores[599]);
    }

    [Fact]
    public async Task Scores_ManyPromptsAndFewPages_AreComplete()
    {
        using var engine = FakeEngine.Start(new FakeExecutor(), pageCount: 20);
        var random = new Random(7);
        var generations = Enumerable.Range(0, 40)
            .Select(i => Generation(random.Next(1, 150), i % 3 * 20, i % 4 == 0 ? null : i % 5))
            .ToArray();
        Assert.All(generations, g => Assert.Equal(SubmitOutcome.Accepted, engine.TrySubmit(g)));

        await Task.WhenAll(generations.Select(g => g.ReadAll()));

        Assert.All(generations, g =>
        {
            Assert.Equal(FinishReason.Length, g.Reason);
            Assert.Equal(
                g.Request.PromptLogProbs is null ? null : g.PromptTokenCount - 1,
                g.PromptScores?.Count);
        });
        await engine.DrainAsync(FakeEngine.Limit);
        Assert.Equal(0, engine.Counters.UsedPages);
    }

    [Fact]
    public async Task Pooled_PromptComputed_IsReadFromItsSlot()
    {
        using var engine = FakeEngine.Start(new FakeExecutor());
        var generations = Enumerable.Range(0, 3)
            .Select(i => new Generation(new GenerationRequest
            {
                Prompt = new int[50],
                MaxNewTokens = 0,
                Pooling = Pooling.Mean,
            }))
            .ToArray();
        Assert.All(generations, g => engine.TrySubmit(g));

        await Task.WhenAll(generations.Select(g => g.ReadAll()));

        Assert.All(generations, g => Assert.Equal(FinishReason.Length, g.Reason));
        Assert.All(generations, g =>
        {
            Assert.Equal(FakeEngine.HiddenSize, g.Pooled.Length);
            Assert.InRange(g.Pooled.ToArray().Distinct().Single(), 1, 3);
        });
    }

    [Fact]
    public void Submit_PromptFieldOutOfRange_IsRefused()
    {
        using var engine = FakeEngine.Start(new FakeExecutor());
        var generations = new[]
        {
            Generation(3, 1, promptLogProbs: -1),
            Generation(3, 1, promptLogProbs: 21),
        };
        Assert.All(
            generations, g => Assert.Throws<ArgumentException>(() => engine.TrySubmit(g)));
        using var large = FakeEngine.Start(
            new FakeExecutor(), pageCount: 1 << 15, maxPositions: 1 << 18);
        var tooMany = Generation(EngineLimits.PromptScores / 21 + 1, 0, promptLogProbs: 20);

        var e = Assert.Throws<ArgumentException>(() => large.TrySubmit(tooMany));

        Assert.Contains("the limit is 1048576", e.Message, StringComparison.Ordinal);
    }

    private static Generation Generation(int promptTokens, int newTokens, int? promptLogProbs) =>
        new(new GenerationRequest
        {
            Prompt = Enumerable.Range(0, promptTokens).Select(i => i * 7 % 900).ToArray(),
            MaxNewTokens = newTokens,
            PromptLogProbs = promptLogProbs,
            Sampling = SamplingParams.Greedy,
        });
}
