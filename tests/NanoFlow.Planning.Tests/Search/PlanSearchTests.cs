using NanoFlow.Planning.Search;
using NanoFlow.Planning.Simulation;
using Xunit;

namespace NanoFlow.Planning.Tests.Search;

public sealed class PlanSearchTests(ITestOutputHelper output)
{
    private static readonly GraphFacts WithNetwork =
        LayerGraphs.Decoder(layers: 80, hasNetwork: true);

    private static readonly StepMix Mixed = new(2048, 1024, 768);

    private static readonly PlanSearchOptions Limited = new()
    {
        Budget = TimeSpan.FromMinutes(5),
        MaxEvaluations = 40_000,
        Threads = 2,
    };

    [Fact]
    public void Run_ThirteenOpsWithNetwork_ComesCloseToTheBound()
    {
        var result = PlanSearch.Run(WithNetwork, Mixed, new PublishedCosts(), Limited);

        output.WriteLine(
            $"sequential {result.SequentialPeriod:F1} us, found {result.Period:F1} us, "
            + $"bound {result.LowerBound:F1} us, gap {result.Gap:P1}, "
            + $"{result.Evaluations} plans");
        Assert.InRange(result.Gap, 0, 0.15);
        Assert.InRange(result.Period, result.LowerBound, 0.85 * result.SequentialPeriod);
    }

    [Fact]
    public void Run_SameSeedAndCount_FindsTheSamePlan()
    {
        var options = Limited with { MaxEvaluations = 6_000 };

        var one = PlanSearch.Run(WithNetwork, Mixed, new PublishedCosts(), options);
        var other = PlanSearch.Run(
            WithNetwork, Mixed, new PublishedCosts(), options with { Threads = 1 });

        Assert.Equal(one.Period, other.Period);
        Assert.Equal(one.Best[0].Plan.NanoOps, other.Best[0].Plan.NanoOps);
    }

    [Fact]
    public void Run_FoundPlans_CoverEveryOpInAnOrderThatCanRun()
    {
        var options = Limited with { MaxEvaluations = 6_000 };
        var result = PlanSearch.Run(WithNetwork, Mixed, new PublishedCosts(), options);

        foreach (var (plan, period) in result.Best)
        {
            PlanChecks.IsComplete(plan, WithNetwork);
            var predicted = PlanPrediction.Of(plan, WithNetwork, Mixed, new PublishedCosts());
            Assert.Equal(period, predicted.Period, period * 0.03);
        }
    }

    [Fact]
    public void Run_LanesShareUnits_HoldsBackProductsUntilWhatRunsBesideThemHasStarted()
    {
        var options = Limited with { MaxEvaluations = 6_000 };
        var costs = new PublishedCosts();

        var plan = PlanSearch.Run(WithNetwork, Mixed, costs, options).Best[0].Plan;

        Assert.NotEmpty(plan.OrderEdges);
        Assert.All(plan.OrderEdges, edge => IsStartOfMemoryBeforeCompute(plan, edge));

        // In the prediction the edges order what already is in that order.
        var spans = PlanPrediction.Of(plan, WithNetwork, Mixed, costs).Spans
            .Where(span => span.Tick == 40).ToDictionary(span => span.NanoOp);
        Assert.All(plan.OrderEdges, edge => Assert.True(
            spans[edge.Earlier].BeginMicroseconds <= spans[edge.Later].BeginMicroseconds));
    }

    [Fact]
    public void Run_HardSplit_GivesLanesUnitsOfTheirOwn()
    {
        var options = Limited with { MaxEvaluations = 6_000, IsHardSplit = true, LeastLanes = 2 };
        var costs = new PublishedCosts();

        var plan = PlanSearch.Run(WithNetwork, Mixed, costs, options).Best[0].Plan;

        var own = plan.Partitions.Where(p => p.Kind == PartitionKind.Disjoint).ToArray();
        Assert.True(own.Length >= 2);
        Assert.InRange(own.Sum(p => p.UnitCount), 2, costs.UnitCount);
        Assert.Equal(own.Select(p => p.FirstUnit).Order(), own.Select(p => p.FirstUnit).Distinct());
        Assert.Empty(plan.OrderEdges);
    }

    private static void IsStartOfMemoryBeforeCompute(Plan plan, OrderEdge edge)
    {
        var (earlier, later) = (plan.NanoOps[edge.Earlier], plan.NanoOps[edge.Later]);
        Assert.Equal(OrderKind.AfterStart, edge.Kind);
        Assert.True(edge.Earlier < edge.Later);
        Assert.NotEqual(earlier.Lane, later.Lane);
        Assert.Equal((Segment.Layer, Segment.Layer), (earlier.Segment, later.Segment));
        Assert.Equal(
            (ResourceKind.Memory, ResourceKind.Compute),
            (WithNetwork.At(Segment.Layer, earlier.Op).Resource,
                WithNetwork.At(Segment.Layer, later.Op).Resource));
    }

    [Fact]
    public void Run_NothingToOverlap_KeepsTheSequentialPlan()
    {
        var graph = LayerGraphs.Decoder(layers: 8, hasNetwork: false);
        var costs = new ProportionalCosts(units: 2);
        var mix = new StepMix(512, 0, 512);

        var result = PlanSearch.Run(
            graph, mix, costs, Limited with { MaxEvaluations = 6_000 });

        Assert.Equal(result.SequentialPeriod, result.Period, result.Period * 1e-9);
        Assert.Equal(Plan.Sequential(graph, 2, 512).NanoOps, result.Best[0].Plan.NanoOps);
    }

    [Fact]
    public void Run_TwoLanesWanted_OverlapsEvenWhereItDoesNotPay()
    {
        var graph = LayerGraphs.Decoder(layers: 8, hasNetwork: false);
        var options = Limited with { MaxEvaluations = 3_000, LeastLanes = 2 };

        var result = PlanSearch.Run(
            graph, new StepMix(512, 0, 512), new ProportionalCosts(units: 2), options);

        Assert.InRange(
            result.Period, result.SequentialPeriod * (1 - 1e-9), 2 * result.SequentialPeriod);
        Assert.All(result.Best, found =>
            Assert.True(found.Plan.NanoOps.Select(nano => nano.Lane).Distinct().Count() > 1));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Run_RandomCosts_NeverBeatsItsBound(int seed)
    {
        var graph = LayerGraphs.Decoder(layers: 8, hasNetwork: seed % 2 == 0);
        var costs = new RandomCosts(seed);

        var result = PlanSearch.Run(
            graph, new StepMix(96, 32, 500), costs, Limited with { MaxEvaluations = 3_000 });

        Assert.InRange(result.LowerBound, 0, result.Period * (1 + 1e-9));
        Assert.InRange(result.Period, 0, result.SequentialPeriod * (1 + 1e-9));
        Assert.All(result.Best, found => PlanChecks.IsComplete(found.Plan, graph));
    }

    [Fact]
    public void Run_Cancelled_ReturnsWhatItHas()
    {
        using var cancel = new CancellationTokenSource();
        cancel.Cancel();

        var result = PlanSearch.Run(
            WithNetwork, Mixed, new PublishedCosts(), Limited, cancel: cancel.Token);

        Assert.Equal(result.SequentialPeriod, result.Period);
    }
}
