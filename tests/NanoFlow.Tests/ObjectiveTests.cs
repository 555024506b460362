using NanoFlow.Benchmarks;

namespace NanoFlow.Tests;

public sealed class ObjectiveTests
{
    // 11 tokens, 30 ms to the first, 230 at the end: 20 a token.
    private static readonly Answer Answer = new(5, 11, 30, 230, []);

    [Theory]
    [InlineData("ttft:30", true)]
    [InlineData("ttft:29.9", false)]
    [InlineData("tpot:20", true)]
    [InlineData("tpot:19.9", false)]
    [InlineData("e2el:230", true)]
    [InlineData("e2el:229", false)]
    public void IsMetBy_Limit_IsStillGood(string text, bool isMet)
    {
        Assert.True(Objective.TryRead(text, out var objective));

        Assert.Equal(isMet, objective.IsMetBy(Answer));
    }

    [Theory]
    [InlineData("ttft")]
    [InlineData("ttft:")]
    [InlineData("ttft:0")]
    [InlineData("ttft:-1")]
    [InlineData("ttft:3600001")]
    [InlineData("ttft:1e3")]
    [InlineData("ttft:1:2")]
    [InlineData("itl:5")]
    [InlineData("TTFT:5")]
    public void TryRead_NoObjective_IsRefused(string text) =>
        Assert.False(Objective.TryRead(text, out _));

    [Fact]
    public void IsMetBy_OneToken_HasNoTimeBetweenTokens()
    {
        Assert.True(Objective.TryRead("tpot:0.001", out var objective));

        Assert.True(objective.IsMetBy(Answer with { OutputTokens = 1 }));
    }

    [Fact]
    public void Goodput_SeveralObjectives_CountsWhatMeetsAll()
    {
        Assert.True(Objective.TryRead("ttft:50", out var first));
        Assert.True(Objective.TryRead("e2el:300", out var end));
        Answer[] answers =
        [
            Answer, Answer with { FirstTokenMs = 51 }, Answer with { EndMs = 301 }, Answer,
        ];
        var result = new LoadResult(answers, new FailureCounts(), TimeSpan.FromSeconds(4), 1);

        Assert.Equal(0.5, result.Goodput([first, end]), 12);
        Assert.Equal(1, result.Goodput([]), 12);
    }
}
