using NanoFlow.Planning.Search;

namespace NanoFlow.Planning.Tests.Search;

public class CyclePeriodTests
{
    [Fact]
    public void Of_RandomOrders_IsThatOfAnExecution()
    {
        var deadlocks = 0;
        for (var seed = 0; seed < 1000; seed++)
        {
            var (problem, order) = RandomOrders(seed, leastDuration: 0);
            var execution = new MaxPlusOracle(problem, order);
            var period = new CyclePeriod(problem.Problem).Of(order);
            deadlocks += period is null ? 1 : 0;

            Assert.True(execution.IsDeadlock == period is null, $"seed {seed}");
            if (period is not null)
            {
                var (time, layers) = execution.Period();
                Assert.True(period == new Period(time, layers),
                    $"seed {seed}: {period}, the execution has {time}/{layers}");
            }
        }
        Assert.InRange(deadlocks, 100, 900);
    }

    // After a start of its own an execution repeats itself: some number of layers later everything
    // is later by that number of periods. 2520 is a multiple of every number up to 10.
    [Fact]
    public void Of_RandomOrders_IsWhatManyLayersTake()
    {
        const int Layers = 2520;
        for (var seed = 0; seed < 60; seed++)
        {
            var (problem, order) = RandomOrders(seed, leastDuration: 1);
            var execution = new MaxPlusOracle(problem, order);
            if (execution.IsDeadlock)
            {
                continue;
            }
            var period = new CyclePeriod(problem.Problem).Of(order)!.Value;
            var ends = execution.Ends(2 * Layers);

            for (var i = 0; i < problem.Count; i++)
            {
                Assert.True(
                    period == new Period(ends[2 * Layers][i] - ends[Layers][i], Layers),
                    $"seed {seed}: {period}, nano-op {i} disagrees");
            }
        }
    }

    [Fact]
    public void EarliestStarts_AtThePeriod_KeepEveryWait()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var (problem, order) = RandomOrders(seed, leastDuration: 1);
            var cycle = new CyclePeriod(problem.Problem);
            if (cycle.Of(order) is not { } period)
            {
                continue;
            }
            var start = cycle.EarliestStarts(order, period)!;

            Assert.Equal(0, start.Min());
            foreach (var (from, to, height) in problem.Edges)
            {
                var end = start[from] + (Time(problem, order, from) * period.Layers);
                Assert.True(start[to] + (height * period.Time) >= end, $"seed {seed}");
            }
            foreach (var (i, j) in order.SelectMany(lane => lane.Zip(lane.Skip(1))))
            {
                var end = start[i] + (Time(problem, order, i) * period.Layers);
                Assert.True(start[j] >= end, $"seed {seed}");
            }
            Assert.Null(cycle.EarliestStarts(
                order, new Period((period.Time * 1000) - 1, period.Layers * 1000)));
        }
    }

    [Fact]
    public void Of_ChainOverLanes_IsLoadOrRunAhead()
    {
        // The slow lane is full: its 10 are the period, whatever the fast one does.
        var problem = new CyclicProblem([[10, null], [null, 1]], [new CyclicEdge(0, 1, 0)]);
        Assert.Equal(new Period(10, 1), new CyclePeriod(problem).Of([[0], [1]]));

        // A chain of three on three lanes, 10 each: layer l + 2 waits for all 30 of layer l.
        var chain = new CyclicProblem(
            [[10, null, null], [null, 10, null], [null, null, 10]],
            [new CyclicEdge(0, 1, 0), new CyclicEdge(1, 2, 0)]);
        Assert.Equal(new Period(15, 1), new CyclePeriod(chain).Of([[0], [1], [2]]));
    }

    [Theory]
    [InlineData(new[] { 0, 1, 1 }, "order: nano-op 1 is there twice")]
    [InlineData(new[] { 0 }, "order: nano-op 1 is missing")]
    public void Of_WrongOrder_IsRefused(int[] order, string message)
    {
        var problem = new CyclicProblem([[1], [1]], []);
        var error = Assert.Throws<ArgumentException>(() => new CyclePeriod(problem).Of([order]));
        Assert.Equal(message, error.Message);
    }

    private static long Time(RandomProblem problem, List<int>[] order, int nanoOp) =>
        problem.Durations[nanoOp][Array.FindIndex(order, lane => lane.Contains(nanoOp))]!.Value;

    // Orders that mostly, but not always, agree with the edges.
    private static (RandomProblem, List<int>[]) RandomOrders(int seed, int leastDuration)
    {
        var random = new Random(seed);
        var (count, lanes) = (random.Next(3, 12), random.Next(1, 5));
        var problem = RandomProblem.New(random, count, lanes, 0.3, leastDuration);
        var order = Enumerable.Range(0, lanes).Select(_ => new List<int>()).ToArray();
        foreach (var i in problem.Problem.Edges.Where(edge => edge.Height == 0)
            .Aggregate(Enumerable.Range(0, count).ToList(), MovedBefore))
        {
            var allowed = Enumerable.Range(0, lanes)
                .Where(lane => problem.Durations[i][lane] is not null).ToArray();
            order[allowed[random.Next(allowed.Length)]].Add(i);
        }
        return (problem, order);
    }

    private static List<int> MovedBefore(List<int> order, CyclicEdge edge)
    {
        if (order.IndexOf(edge.From) > order.IndexOf(edge.To))
        {
            order.Remove(edge.From);
            order.Insert(order.IndexOf(edge.To), edge.From);
        }
        return order;
    }
}
