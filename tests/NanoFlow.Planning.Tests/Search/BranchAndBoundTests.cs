using NanoFlow.Planning.Search;

namespace NanoFlow.Planning.Tests.Search;

public class BranchAndBoundTests
{
    // Nano-ops, lanes, and how probably a nano-op may run on a lane not its own; with six lanes it
    // is run-ahead that bounds. Together 410 problems, of which the enumeration looks at some
    // hundred thousand orders.
    [Theory]
    [InlineData(6, 1, 0, 20)]
    [InlineData(8, 1, 0, 10)]
    [InlineData(7, 2, 0, 60)]
    [InlineData(8, 2, 0, 50)]
    [InlineData(8, 3, 0, 60)]
    [InlineData(8, 6, 0, 60)]
    [InlineData(6, 2, 0.5, 30)]
    [InlineData(6, 3, 1, 20)]
    [InlineData(7, 3, 0.3, 20)]
    [InlineData(8, 2, 0, 40, -30)]
    [InlineData(8, 3, 0, 40, -30)]
    public void Solve_SmallProblem_IsWhatEnumerationFinds(
        int count, int lanes, double laneShare, int seeds, int leastDuration = 0)
    {
        for (var seed = 0; seed < seeds; seed++)
        {
            var random = new Random(seed);
            var problem = RandomProblem.New(random, count, lanes, laneShare, leastDuration);
            var (time, layers) = new Enumeration(problem).LeastPeriod();
            var solution = BranchAndBound.Solve(
                problem.Problem, SearchLimits.OfNodes(1_000_000));

            Assert.True(solution.IsOptimal, $"seed {seed}: gap {solution.Gap}");
            Assert.True(solution.Period == new Period(time, layers),
                $"seed {seed}: {solution.Period}, enumeration finds {time}/{layers}");
            CheckOrders(problem, solution, seed);
        }
    }

    [Theory]
    [InlineData(7, 2, 0, 20)]
    [InlineData(9, 3, 0, 20)]
    [InlineData(10, 3, 0, 20)]
    [InlineData(7, 3, 0.3, 20)]
    [InlineData(8, 2, 0.2, 10)]
    public void Solve_SmallProblem_IsWhatIndependentSolverFinds(
        int count, int lanes, double laneShare, int seeds)
    {
        GlpkSolver.SkipWhereMissing();
        for (var seed = 1000; seed < 1000 + seeds; seed++)
        {
            var random = new Random(seed);
            var problem = RandomProblem.New(random, count, lanes, laneShare, leastDuration: 1);
            var expected = GlpkSolver.Minimum(LinearProgram.TextOf(problem));
            var solution = BranchAndBound.Solve(
                problem.Problem, SearchLimits.OfNodes(1_000_000));

            Assert.True(solution.IsOptimal, $"seed {seed}: gap {solution.Gap}");
            // Theirs has the rounding of floating point.
            Assert.True(Math.Abs(solution.Period.Nanoseconds - expected) <= 1e-6 * expected,
                $"seed {seed}: {solution.Period}, glpsol finds {expected}");
        }
    }

    // The period is that of the orders, by the oracle.
    private static void CheckOrders(RandomProblem problem, CyclicSolution solution, int seed)
    {
        Assert.Equal(Enumerable.Range(0, problem.Count),
            solution.Order.SelectMany(lane => lane).Order());
        for (var lane = 0; lane < problem.Lanes; lane++)
        {
            Assert.All(solution.Order[lane], i => Assert.Equal(lane, solution.Lane[i]));
        }
        var execution = new MaxPlusOracle(problem, [.. solution.Order.Select(x => x.ToList())]);
        Assert.False(execution.IsDeadlock);
        var (time, layers) = execution.Period();
        Assert.True(new Period(time, layers) == solution.Period, $"seed {seed}");
    }
}
