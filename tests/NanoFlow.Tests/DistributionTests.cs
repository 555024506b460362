using NanoFlow.Benchmarks;

namespace NanoFlow.Tests;

public sealed class DistributionTests
{
    // What numpy.percentile says of 15, 20, 35, 40, 50.
    [Theory]
    [InlineData(0, 15)]
    [InlineData(30, 23)]
    [InlineData(40, 29)]
    [InlineData(50, 35)]
    [InlineData(99, 49.6)]
    [InlineData(100, 50)]
    public void Percentile_BetweenSamples_IsInterpolated(double percent, double expected)
    {
        var distribution = new Distribution([40, 15, 50, 35, 20]);

        Assert.Equal(expected, distribution.Percentile(percent), 12);
    }

    [Fact]
    public void Moments_OfSamples_AreThoseOfThePopulation()
    {
        var distribution = new Distribution([2, 4, 4, 4, 5, 5, 7, 9]);

        Assert.Equal(5, distribution.Mean, 12);
        Assert.Equal(2, distribution.Deviation, 12);
        Assert.Equal(4.5, distribution.Median, 12);
        Assert.Equal((2, 9), (distribution.Least, distribution.Most));
    }

    [Fact]
    public void Distribution_OneSample_IsThatSample()
    {
        var distribution = new Distribution([3]);

        Assert.Equal((3, 3, 0), (distribution.Median, distribution.Percentile(99),
            distribution.Deviation));
    }

    [Fact]
    public void Of_NoSample_IsNull() => Assert.Null(Distribution.Of([]));
}
