using NanoFlow.Benchmarks;

namespace NanoFlow.Tests;

public sealed class ServerComparisonTests
{
    [Fact]
    public async Task Run_Pairs_TakeTurnsInBeingFirst()
    {
        var order = new List<(int Server, int Pair)>();

        var pairs = await ServerComparison.RunAsync(3, (server, pair) =>
        {
            order.Add((server, pair));
            return Task.FromResult(Result(server + 1));
        });

        Assert.Equal([(0, 0), (1, 0), (1, 1), (0, 1), (0, 2), (1, 2)], order);
        Assert.All(pairs, pair => Assert.Equal((1, 2),
            (pair.First.Elapsed.TotalSeconds, pair.Second.Elapsed.TotalSeconds)));
    }

    [Fact]
    public void Ratio_OfPairs_IsTakenPairByPair()
    {
        var rows = ServerComparison.Of(
            [(Result(1), Result(2)), (Result(2), Result(8)), (Result(8), Result(8))]);

        var rate = rows.Single(row => row.Figure.Key == "total_token_throughput");
        Assert.Equal((20, 2.5, 5), (rate.First.Most, rate.Second.Least, rate.Second.Most * 0.5));
        Assert.Equal((1, 2, 4), (rate.Ratio.Least, rate.Ratio.Median, rate.Ratio.Most));
        Assert.DoesNotContain(rows, row => row.Figure.Key == "median_itl_ms");
    }

    [Fact]
    public void Table_OfComparison_IsMarkdown()
    {
        var rows = ServerComparison.Of([(Result(1), Result(2))]);

        var lines = ServerComparison.ToMarkdown(rows, "A", "B").Split('\n');

        Assert.Equal("| | A | B | ratio |", lines[0]);
        Assert.Equal("|---|---|---|---|", lines[1]);
        Assert.Equal(
            "| total_token_throughput (tokens/s) | 20.00 (20.00..20.00) | 10.00 (10.00..10.00) "
            + "| 2.000 (2.000..2.000) |",
            lines[2]);
    }

    // 20 tokens in so many seconds.
    private static LoadResult Result(int seconds) => new(
        [new Answer(9, 11, 100, 200, [])],
        new FailureCounts(),
        TimeSpan.FromSeconds(seconds),
        PeakConcurrency: 1);
}
