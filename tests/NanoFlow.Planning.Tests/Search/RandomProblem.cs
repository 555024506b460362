using NanoFlow.Planning.Search;

namespace NanoFlow.Planning.Tests.Search;

/// <summary>A problem as plain numbers, for the oracles, and as the search sees it.</summary>
internal sealed record RandomProblem(
    int Lanes, long?[][] Durations, (int From, int To, int Height)[] Edges)
{
    public int Count => Durations.Length;

    public CyclicProblem Problem => new(
        Durations, [.. Edges.Select(edge => new CyclicEdge(edge.From, edge.To, edge.Height))]);

    /// <summary>A random DAG, and edges to the next layer that mostly run from late to early.
    /// </summary>
    /// <param name="laneShare">Probability that a nano-op may also run on a lane not its own.</param>
    public static RandomProblem New(
        Random random, int count, int lanes, double laneShare, int leastDuration)
    {
        var density = 0.1 + (0.3 * random.NextDouble());
        var edges = new List<(int, int, int)>();
        for (var from = 0; from < count; from++)
        {
            for (var to = from + 1; to < count; to++)
            {
                if (random.NextDouble() < density)
                {
                    edges.Add((from, to, 0));
                }
            }
        }
        for (var k = random.Next(1, count); k > 0; k--)
        {
            var (a, b) = (random.Next(count), random.Next(count));
            edges.Add(random.Next(5) == 0 ? (a, b, 1) : (Math.Max(a, b), Math.Min(a, b), 1));
        }
        var durations = Enumerable.Range(0, count)
            .Select(_ => Row(random, lanes, laneShare, leastDuration)).ToArray();
        return new RandomProblem(lanes, durations, Renamed(random, edges, count));
    }

    // So that nothing can rely on indices being in topological order.
    private static (int, int, int)[] Renamed(
        Random random, List<(int From, int To, int Height)> edges, int count)
    {
        var name = Enumerable.Range(0, count).ToArray();
        random.Shuffle(name);
        return [.. edges.Select(edge => (name[edge.From], name[edge.To], edge.Height))];
    }

    private static long?[] Row(Random random, int lanes, double laneShare, int leastDuration)
    {
        var own = random.Next(lanes);
        var duration = random.Next(leastDuration, 30);
        var isSame = random.Next(2) == 0;
        return [.. Enumerable.Range(0, lanes).Select(lane =>
            lane != own && random.NextDouble() >= laneShare ? (long?)null
            : isSame ? duration
            : random.Next(leastDuration, 30))];
    }
}
