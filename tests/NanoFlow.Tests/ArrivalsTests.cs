using NanoFlow.Benchmarks;

namespace NanoFlow.Tests;

public sealed class ArrivalsTests
{
    private const int Count = 100_000;
    private const double Rate = 8;

    // Gaps of a gamma distribution with shape k and mean m have the variance m² / k, and a sample's
    // variance deviates from it by m² / k · √((2 + 6 / k) / n). Four deviations are allowed.
    [Theory]
    [InlineData(0.1)]
    [InlineData(0.5)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public void Draw_ManyGaps_HaveTheMeanAndVarianceOfTheGammaDistribution(double burstiness)
    {
        var times = Arrivals.Draw(Count + 1, Rate, burstiness, seed: 1);
        var gaps = times.Zip(times.Skip(1), (one, next) => (next - one).TotalSeconds).ToArray();
        var mean = gaps.Average();
        var variance = gaps.Average(gap => (gap - mean) * (gap - mean));

        var expected = 1 / (Rate * Rate * burstiness);
        var meanSlack = 4 * Math.Sqrt(expected / Count);
        var varianceSlack = 4 * expected * Math.Sqrt((2 + (6 / burstiness)) / Count);
        Assert.InRange(mean, (1 / Rate) - meanSlack, (1 / Rate) + meanSlack);
        Assert.InRange(variance, expected - varianceSlack, expected + varianceSlack);
    }

    [Fact]
    public void Draw_Times_BeginAtOnceAndAscend()
    {
        var times = Arrivals.Draw(1000, Rate, 0.1, seed: 2);

        Assert.Equal(TimeSpan.Zero, times[0]);
        Assert.Equal(times.Order(), times);
    }

    [Fact]
    public void Draw_Seed_DecidesTheTimes()
    {
        var times = Arrivals.Draw(100, Rate, 1, seed: 3);

        Assert.Equal(times, Arrivals.Draw(100, Rate, 1, seed: 3));
        Assert.NotEqual(times, Arrivals.Draw(100, Rate, 1, seed: 4));
    }
}
