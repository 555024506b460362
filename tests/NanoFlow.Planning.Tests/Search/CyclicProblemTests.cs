using NanoFlow.Planning.Search;

namespace NanoFlow.Planning.Tests.Search;

public class CyclicProblemTests
{
    [Fact]
    public void New_TooManyNanoOps_IsRefused() =>
        Refused("durations: number of nano-ops is 65, allowed are 1 to 64",
            [.. Enumerable.Repeat(new long?[] { 1 }, 65)]);

    [Fact]
    public void New_NoNanoOps_IsRefused() =>
        Refused("durations: number of nano-ops is 0, allowed are 1 to 64", []);

    [Fact]
    public void New_TooManyLanes_IsRefused() =>
        Refused("durations[0]: number of lanes is 17, allowed are 1 to 16", [new long?[17]]);

    [Fact]
    public void New_RaggedDurations_IsRefused() =>
        Refused("durations[1]: number of lanes is 1, allowed are 2 to 2", [[1, 2], [1]]);

    [Fact]
    public void New_NoLane_IsRefused() =>
        Refused("durations[1]: no lane allows this nano-op", [[1], [null]]);

    [Theory]
    [InlineData(-1)]
    [InlineData((1L << 40) + 1)]
    public void New_DurationOutOfRange_IsRefused(long duration) =>
        Refused($"durations[0][1] is {duration}, allowed are 0 to 1099511627776",
            [[1, duration]]);

    [Theory]
    [InlineData(2, 0, 0, "edges[0].from is 2, allowed are 0 to 1")]
    [InlineData(0, -1, 0, "edges[0].to is -1, allowed are 0 to 1")]
    [InlineData(0, 1, 2, "edges[0].height is 2, allowed are 0 to 1")]
    [InlineData(1, 1, 0, "edges: those of height 0 have a cycle")]
    public void New_WrongEdge_IsRefused(int from, int to, int height, string message) =>
        Refused(message, [[1], [1]], new CyclicEdge(from, to, height));

    [Fact]
    public void New_RoundOfEdges_IsRefusedWithinALayerOnly()
    {
        Refused("edges: those of height 0 have a cycle",
            [[1], [1]], new CyclicEdge(0, 1, 0), new CyclicEdge(1, 0, 0));

        var problem = new CyclicProblem(
            [[1], [1]], [new CyclicEdge(0, 1, 0), new CyclicEdge(1, 0, 1)]);
        Assert.Equal(2, problem.Count);
    }

    private static void Refused(string message, long?[][] durations, params CyclicEdge[] edges)
    {
        var error = Assert.Throws<ArgumentException>(() => new CyclicProblem(durations, edges));
        Assert.Equal(message, error.Message);
    }
}
