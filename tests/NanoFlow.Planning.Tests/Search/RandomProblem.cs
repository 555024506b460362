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
    /// <param name="laneShare">How probably a nano-op may run on a lane not its own.</param>
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

    /// <summary>One whose optimum is known: lanes without a gap for <paramref name="period"/>, and
    /// edges that this schedule keeps.</summary>
    public static RandomProblem Planted(
        Random random, int perLane, int lanes, int period, double density)
    {
        var (starts, durations) = (new List<int>(), new List<long?[]>());
        for (var lane = 0; lane < lanes; lane++)
        {
            var offset = random.Next(period / 2);
            var cuts = Enumerable.Range(0, perLane - 1).Select(_ => random.Next(period))
                .Append(0).Append(period).Order().ToArray();
            for (var k = 0; k < perLane; k++)
            {
                starts.Add(offset + cuts[k]);
                durations.Add([.. Enumerable.Range(0, lanes).Select(
                    other => other == lane ? cuts[k + 1] - cuts[k] : (long?)null)]);
            }
        }
        var pairs = from i in Enumerable.Range(0, starts.Count)
                    from j in Enumerable.Range(0, starts.Count)
                    let slack = starts[j] - starts[i] - durations[i].Max()
                    where random.NextDouble() < density && i != j && slack >= -period
                    select slack > 0 ? (i, j, 0) : (i, j, 1);
        return new RandomProblem(lanes, [.. durations], [.. pairs]);
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
        var duration = Draw();
        var isSame = random.Next(2) == 0;
        return [.. Enumerable.Range(0, lanes).Select(lane =>
            lane != own && random.NextDouble() >= laneShare ? (long?)null
            : isSame ? duration
            : Draw())];

        // A negative least duration makes more of them nothing.
        int Draw() => Math.Max(0, random.Next(leastDuration, 30));
    }
}
