// Divergences against cases worked out by hand, their summary, and how a text is cut.

using NanoFlow.Engine.Evaluating;

namespace NanoFlow.Engine.Tests;

public sealed class DivergenceTests
{
    private const int Digits = 12;

    [Fact]
    public void Of_TwoTokens_IsWhatTheDefinitionSays()
    {
        // 1/4 and 3/4 against 1/2 and 1/2.
        var found = TokenDivergence.Of([0, (float)Math.Log(3)], [7, 7], token: 1);

        Assert.Equal(0.25 * Math.Log(0.5) + 0.75 * Math.Log(1.5), found.Kl, 7);
        Assert.Equal(Math.Log(0.75), found.BaselineLogProb, 7);
        Assert.Equal(Math.Log(0.5), found.LogProb, Digits);
        Assert.False(found.IsSameTop);
    }

    [Fact]
    public void Of_ThreeTokensTheOtherWay_Differs()
    {
        float[] even = [1, 1, 1];
        float[] steep = [0, 0, 100];

        // From even to steep: 2/3 of the mass lies where steep has e^-100.
        Assert.Equal(-Math.Log(3) + 200.0 / 3, TokenDivergence.Of(even, steep, 0).Kl, Digits);

        // From steep to even: all mass on one of three.
        Assert.Equal(Math.Log(3), TokenDivergence.Of(steep, even, 0).Kl, Digits);
        Assert.Equal(-100, TokenDivergence.Of(even, steep, 0).LogProb, Digits);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(30_000)]
    [InlineData(-30_000)]
    public void Of_EqualLogits_IsExactlyZero(float shift)
    {
        var random = new Random(1);
        float[] logits = [.. Enumerable.Range(0, 1000).Select(_ => random.NextSingle() + shift)];
        var found = TokenDivergence.Of(logits, logits, token: 17);

        Assert.Equal(0, found.Kl);
        Assert.Equal(found.BaselineLogProb, found.LogProb);
        Assert.True(found.IsSameTop);
    }

    [Fact]
    public void Of_RandomLogits_AgreesWithThePlainSum()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            float[] baseline = [.. Enumerable.Range(0, 60).Select(_ => 20 * random.NextSingle())];
            float[] model = [.. baseline.Select(x => x + random.NextSingle())];
            var p = Softmax(baseline);
            var q = Softmax(model);
            var expected = p.Zip(q, (a, b) => a * Math.Log(a / b)).Sum();
            var found = TokenDivergence.Of(baseline, model, seed);

            Assert.Equal(expected, found.Kl, Digits);
            Assert.Equal(Math.Log(q[seed]), found.LogProb, Digits);
            Assert.Equal(
                Array.IndexOf(p, p.Max()) == Array.IndexOf(q, q.Max()), found.IsSameTop);
        }
    }

    [Fact]
    public void Of_NoNumber_IsNoNumber()
    {
        Assert.True(double.IsNaN(TokenDivergence.Of([0, 1], [float.NaN, 1], 1).Kl));
        Assert.True(double.IsNaN(TokenDivergence.Of([0, float.PositiveInfinity], [0, 1], 0).Kl));
    }

    [Fact]
    public void Summary_OfAHundred_HasMeanErrorAndPercentiles()
    {
        var tally = new DivergenceTally(100);
        for (var i = 100; i >= 1; i--)
        {
            tally.Add(new TokenDivergence(i, -2, -1, IsSameTop: i % 4 == 0));
        }

        var summary = tally.ToSummary();
        Assert.Equal(100, summary.Predictions);
        Assert.Equal(50.5, summary.MeanKl, Digits);

        // The variance of 1 to n is n (n + 1) / 12.
        Assert.Equal(Math.Sqrt(100 * 101 / 12.0 / 100), summary.MeanKlError, Digits);
        Assert.Equal(50.5, summary.MedianKl);
        Assert.Equal(99, summary.Percentile99Kl);
        Assert.Equal(100, summary.MaxKl);
        Assert.Equal(25, summary.SameTop);
        Assert.Equal(Math.Exp(2), summary.Perplexity, Digits);
        Assert.Equal(Math.E, summary.BaselinePerplexity, Digits);
    }

    [Fact]
    public void Windows_WithoutPrefix_DoNotPredictTheirFirstToken()
    {
        var windows = new TokenWindows([10, 11, 12, 13, 14, 15, 16], [], Window: 3);
        windows.Validate();

        Assert.Equal((3, 4), (windows.Count, windows.Predictions));
    }

    [Fact]
    public void Windows_WithPrefix_PredictEveryToken()
    {
        var windows = new TokenWindows([10, 11, 12, 13, 14, 15, 16], [1], Window: 3);
        windows.Validate();

        Assert.Equal((4, 7), (windows.Count, windows.Predictions));
    }

    [Theory]
    [InlineData(0, 0, 8, "0 tokens in windows of 8 leave 0 to be predicted, at least 2")]
    [InlineData(2, 0, 8, "2 tokens in windows of 8 leave 1 to be predicted, at least 2")]
    [InlineData(1, 1, 8, "1 tokens in windows of 8 leave 1")]
    [InlineData(9, 2, 2, "a window of 2 tokens has no room beside 2")]
    public void Windows_TooLittle_AreRefused(int tokens, int prefix, int window, string message)
    {
        var windows = new TokenWindows(new int[tokens], new int[prefix], window);
        var error = Assert.Throws<ArgumentException>(windows.Validate);

        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    private static double[] Softmax(float[] logits)
    {
        var weights = Array.ConvertAll(logits, x => Math.Exp(x));
        var sum = weights.Sum();
        return Array.ConvertAll(weights, x => x / sum);
    }
}
