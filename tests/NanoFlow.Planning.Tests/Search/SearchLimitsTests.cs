using NanoFlow.Planning.Search;

namespace NanoFlow.Planning.Tests.Search;

public class SearchLimitsTests
{
    [Theory]
    [InlineData(40, 3, 0, 1)]
    [InlineData(40, 3, 0.4, 2)]
    [InlineData(64, 4, 0.2, 3)]
    public void Solve_LargeProblemAndFewNodes_BoundsFromBothSides(
        int count, int lanes, double laneShare, int seed)
    {
        const int Nodes = 1000;
        var problem = RandomProblem.New(new Random(seed), count, lanes, laneShare, 1);
        var few = BranchAndBound.Solve(problem.Problem, SearchLimits.OfNodes(Nodes));
        var again = BranchAndBound.Solve(problem.Problem, SearchLimits.OfNodes(Nodes));
        var more = BranchAndBound.Solve(problem.Problem, SearchLimits.OfNodes(4 * Nodes));

        var execution = new MaxPlusOracle(problem, [.. few.Order.Select(lane => lane.ToList())]);
        var (time, layers) = execution.Period();
        Assert.Equal(new Period(time, layers), few.Period);
        Assert.InRange(few.Nodes, 0, Nodes);
        Assert.InRange(few.Gap, 0, 1);
        // A proved bound is one for every solution, also for a better one.
        Assert.True(few.LowerBound <= more.Period, $"{few.LowerBound} > {more.Period}");
        Assert.True(more.Period <= few.Period && more.LowerBound >= few.LowerBound);
        Assert.Equal((again.Period, again.LowerBound, again.Nodes),
            (few.Period, few.LowerBound, few.Nodes));
        Assert.Equal(again.Order, few.Order);
    }

    // However early it ends, what it says of small problems must agree with the optimum.
    [Fact]
    public void Solve_AnyNumberOfNodes_IsHonest()
    {
        var proofs = 0;
        for (var seed = 0; seed < 100; seed++)
        {
            var problem = RandomProblem.New(new Random(seed), 9, 2, 0.4, 1).Problem;
            var best = BranchAndBound.Solve(problem, SearchLimits.OfNodes(1_000_000));
            for (var nodes = 0; nodes < 40; nodes += 3)
            {
                var early = BranchAndBound.Solve(problem, SearchLimits.OfNodes(nodes));
                Assert.True(early.LowerBound <= best.Period && best.Period <= early.Period,
                    $"seed {seed}, {nodes} nodes: {early.LowerBound} to {early.Period}");
                proofs += early.IsOptimal ? 1 : 0;
            }
        }
        // Neither always nor never: the limit matters in this test.
        Assert.InRange(proofs, 100, 1300);
    }

    [Fact]
    public void Solve_LargeProblemOfKnownOptimum_HasItBetweenItsBounds()
    {
        var open = 0;
        for (var seed = 0; seed < 12; seed++)
        {
            var problem = RandomProblem.Planted(new Random(seed), 20, 3, 1000, 0.07);
            var solution = BranchAndBound.Solve(problem.Problem, SearchLimits.OfNodes(1000));

            Assert.True(solution.LowerBound == new Period(1000, 1)
                && solution.Period >= solution.LowerBound,
                $"seed {seed}: {solution.LowerBound} to {solution.Period}");
            open += solution.IsOptimal ? 0 : 1;
        }
        // Some are too hard for so few nodes, or nothing was tested.
        Assert.InRange(open, 1, 11);
    }

    [Fact]
    public void Solve_TimeIsOver_ReturnsTheIncumbent()
    {
        var problem = RandomProblem.New(new Random(5), 64, 3, 0.5, 1).Problem;
        var clock = new SteppingClock();
        var solution = BranchAndBound.Solve(
            problem, SearchLimits.OfTime(TimeSpan.FromSeconds(10), clock));

        Assert.False(solution.IsOptimal);
        Assert.InRange(clock.Looks, 10, 12);
        Assert.Equal(64, solution.Order.Sum(lane => lane.Count));
    }

    [Fact]
    public void Solve_Cancelled_ReturnsTheIncumbent()
    {
        var problem = RandomProblem.New(new Random(5), 64, 3, 0.5, 1).Problem;
        var limits = SearchLimits.OfNodes(long.MaxValue) with
        {
            Cancellation = new CancellationToken(canceled: true),
        };
        var solution = BranchAndBound.Solve(problem, limits);

        Assert.Equal(0, solution.Nodes);
        Assert.Equal(64, solution.Order.Sum(lane => lane.Count));
    }

    // A second passes whenever somebody looks.
    private sealed class SteppingClock : TimeProvider
    {
        public int Looks { get; private set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Looks++;
    }
}
