using NanoFlow.Engine.Measuring;
using NanoFlow.Planning;
using NanoFlow.Planning.Search;
using Xunit;

namespace NanoFlow.Engine.Tests.Measuring;

public sealed class CalibrationTests
{
    private static readonly GraphFacts Graph = FakeGraph.Attention(layers: 12);
    private static readonly Origin Here = new(Graph.Hash, "fake", "1");

    private static readonly CalibrationOptions Quick = new()
    {
        Budget = TimeSpan.FromMilliseconds(1),
    };

    [Fact]
    public void Run_KnownDevice_GivesCostsThatAreTrue()
    {
        var truth = new TwoResourceCosts(units: 4, slowDown: 1.5);
        var costs = Calibrate(new FakeBench(Graph, truth));

        foreach (var launch in Launches())
        {
            var time = truth.Time(launch);
            Assert.Equal(time, costs.Time(launch), 0.02 * time);
        }
    }

    [Fact]
    public void Run_PairsThatShareMemory_GivesTheirSlowDown()
    {
        var costs = Calibrate(new FakeBench(Graph, new TwoResourceCosts(4, slowDown: 1.5)));
        var attend = new Launch(Graph.Find(Segment.Layer, "attend")!, new NanoWork(16, 1000), 2);
        var project = new Launch(Graph.Find(Segment.Layer, "project")!, new NanoWork(16, 0), 2);

        Assert.Equal(1.5, costs.SlowDown(attend, attend), 1e-6);
        Assert.Equal(1, costs.SlowDown(project, attend), 1e-6);
        Assert.Equal(1, costs.SlowDown(attend, project), 1e-6);
    }

    [Fact]
    public void Run_Ended_LeavesNoProgramOpenAndSaysHowFarItIs()
    {
        var bench = new FakeBench(Graph, new TwoResourceCosts(2, slowDown: 1));
        var reports = new List<(int Done, int Total)>();

        Calibration.Run(bench, Quick, (done, total) => reports.Add((done, total)));

        Assert.Equal(0, bench.OpenPrograms);
        Assert.Equal(reports[^1].Total, reports[^1].Done);
        Assert.Equal(Enumerable.Range(1, reports.Count), reports.Select(report => report.Done));
    }

    [Theory]
    [InlineData(1, 1, new[] { 1 })]
    [InlineData(2, 1, new[] { 1, 2 })]
    [InlineData(64, 1, new[] { 1, 2, 3, 4, 5, 6, 7, 8, 12, 18, 27, 40, 60, 64 })]
    [InlineData(132, 8, new[] { 8, 16, 24, 32, 48, 64, 80, 96, 112, 132 })]
    [InlineData(108, 4, new[] { 4, 8, 12, 16, 28, 40, 52, 64, 76, 88, 100, 108 })]
    [InlineData(8, 8, new[] { 8 })]
    public void UnitsToMeasure_OfADevice_AreAllOfFewAndSomeOfMany(
        int units, int step, int[] expected) =>
        Assert.Equal(expected, Calibration.UnitsToMeasure(units, step));

    [Fact]
    public void Find_OverlapPays_ProposesAPlanThatIsFaster()
    {
        var bench = new FakeBench(Graph, new TwoResourceCosts(4, slowDown: 1.2));
        var mix = new StepMix(256, 256, 1000);

        var bucket = PlanFinder.Find(bench, Calibrate(bench), mix, Limited);

        Assert.True(bucket.IsUsed);
        Assert.True(bucket.Plan.Lanes.Count > 1);
        Assert.InRange(
            bucket.Times.MeasuredStep, 1, 0.9 * bucket.Times.MeasuredSequentialStep);
        Assert.Equal(
            bucket.Plan.NanoOps.Count(nano => nano.Segment == Segment.Layer),
            bucket.Predicted.Count);
        Assert.Equal(0, bench.OpenPrograms);
    }

    [Fact]
    public void Find_DeviceWithBothSplits_MeasuresBothAndTakesTheFaster()
    {
        var truth = new TwoResourceCosts(16, slowDown: 1.2) { MayExceedUnits = true, Step = 2 };
        var bench = new FakeBench(Graph, truth);
        var mix = new StepMix(256, 256, 1000);
        var costs = Calibrate(bench);

        var bucket = PlanFinder.Find(bench, costs, mix, Limited);

        Assert.True(costs.MayExceedUnits);
        Assert.All(costs.UnitChoices, units => Assert.Equal(0, units % 2));
        Assert.True(bucket.IsUsed);
        var kinds = bench.Opened.Where(plan => plan.Lanes.Count > 1).Select(HasHardSplit).ToArray();
        Assert.Contains(true, kinds);
        Assert.Contains(false, kinds);

        static bool HasHardSplit(Plan plan) =>
            plan.Partitions.Any(p => p.Kind == PartitionKind.Disjoint);
    }

    [Fact]
    public void Find_DeviceRefusesItsHardSplit_TakesASoftOne()
    {
        var truth = new TwoResourceCosts(16, slowDown: 1.2) { MayExceedUnits = true, Step = 2 };
        var bench = new FakeBench(Graph, truth) { RefusesHardSplits = true };

        var bucket = PlanFinder.Find(
            bench, Calibrate(bench), new StepMix(256, 256, 1000), Limited);

        Assert.True(bucket.IsUsed);
        Assert.All(bucket.Plan.Partitions, p => Assert.Equal(PartitionKind.Shared, p.Kind));
        Assert.Equal(0, bench.OpenPrograms);
    }

    [Fact]
    public void Find_MeasurementDisagrees_KeepsTheSequentialPlan()
    {
        // The costs say that overlap pays; the device is one on which nothing runs beside anything.
        var mix = new StepMix(256, 256, 1000);
        var costs = Calibrate(new FakeBench(Graph, new TwoResourceCosts(4, slowDown: 1)));
        var bench = new FakeBench(Graph, new OneAtATime(4));

        var bucket = PlanFinder.Find(bench, costs, mix, Limited);

        Assert.False(bucket.IsUsed);
        Assert.True(bucket.Times.MeasuredStep >= bucket.Times.MeasuredSequentialStep);
    }

    [Fact]
    public void FindSet_OfAServer_HasAPlanForEachKindOfStep()
    {
        var bench = new FakeBench(Graph, new TwoResourceCosts(2, slowDown: 1.2));

        var set = PlanFinder.FindSet(bench, Here, "fake", TimeSpan.FromMilliseconds(500));

        Assert.Equal(PlanMixes.Default(bench.Limits), set.Buckets.Select(bucket => bucket.Mix));
        Assert.Equal(Graph.Ops, PlanFile.Read(PlanFile.Write(set), Graph, Here).Ops);
    }

    [Fact]
    public void Check_TrueCosts_PredictsWhatIsMeasured()
    {
        var bench = new FakeBench(Graph, new TwoResourceCosts(4, slowDown: 1.5));

        var checks = PredictionCheck.Run(
            bench, Calibrate(bench), new StepMix(256, 128, 1000), count: 20, seed: 1);

        Assert.All(checks, check => Assert.True(
            Math.Abs(check.Difference) < 0.05, $"seed {check.Seed}: {check}"));
        Assert.All(checks, check => Assert.True(check.Plan.Lanes.Count > 1));
    }

    [Fact]
    public void Ablation_PlanOnOneLane_TakesAsLongAsItsNanoOpsTogether()
    {
        var truth = new TwoResourceCosts(4, slowDown: 1.2);
        var bench = new FakeBench(Graph, truth);
        var mix = new StepMix(256, 256, 1000);
        var bucket = PlanFinder.Find(bench, Calibrate(bench), mix, Limited);

        var row = Ablation.Run(bench, bucket, TimeSpan.FromMilliseconds(1));

        Assert.True(row.Overlapped < row.Sequential);
        Assert.True(row.Sequential < row.Split);
        Assert.Equal(StepWork.Of(Graph, mix).Flops, row.Flops);
    }

    private static FinderOptions Limited { get; } = new()
    {
        Search = new PlanSearchOptions
        {
            Budget = TimeSpan.FromMinutes(1),
            MaxEvaluations = 5_000,
        },
        MeasuringBudget = TimeSpan.FromMilliseconds(1),
    };

    private static CostTable Calibrate(FakeBench bench) =>
        Calibration.Run(bench, Quick).ToCosts(bench, Here, "fake").Table;

    private static IEnumerable<Launch> Launches()
    {
        foreach (var op in Graph.In(Segment.Layer))
        {
            foreach (var rows in (int[])[4, 50, 256])
            {
                yield return new Launch(op, new NanoWork(rows, 1000), 1);
                yield return new Launch(op, new NanoWork(rows, 500), 4);
            }
        }
    }

    /// <summary>Whatever runs beside something takes as long as both.</summary>
    private sealed class OneAtATime(int units) : ICostModel
    {
        private readonly TwoResourceCosts _alone = new(units, 1);

        public int UnitCount => units;

        public IReadOnlyList<int> UnitChoices => _alone.UnitChoices;

        public bool MayExceedUnits => false;

        public double HandoffMicroseconds => 5;

        public double Time(in Launch launch) => _alone.Time(launch with { Units = units });

        public double SlowDown(in Launch launch, in Launch other) => 4;
    }
}
