using NanoFlow.Planning.Search;

namespace NanoFlow.Planning.Tests.Search;

public class PeriodTests
{
    [Fact]
    public void Period_SameFraction_IsEqual()
    {
        Assert.Equal(new Period(3, 2), new Period(6, 4));
        Assert.Equal(default, new Period(0, 5));
        Assert.Equal("3/2 ns", new Period(6, 4).ToString());
        Assert.Equal(1.5, new Period(6, 4).Nanoseconds);
    }

    [Fact]
    public void CompareTo_DifferenceBeyondDouble_IsSeen()
    {
        const long Big = 1L << 60;
        Assert.True(new Period(Big, Big - 1) > new Period(Big + 1, Big));
        Assert.False(new Period(Big, Big - 1) < new Period(Big + 1, Big));
        Assert.True(new Period(7, 3) >= new Period(14, 6) && new Period(7, 3) <= new Period(14, 6));
    }

    [Fact]
    public void Between_TwoFractions_IsRoundedDown()
    {
        Assert.Equal(new Period(2, 1), Period.Between(new Period(3, 2), new Period(7, 2), 1, 2));
        Assert.Equal(new Period(9, 1), Period.Between(new Period(9, 1), new Period(10, 1), 7, 8));
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(1, 0)]
    public void New_OutOfRange_IsRefused(long time, long layers) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Period(time, layers));
}
