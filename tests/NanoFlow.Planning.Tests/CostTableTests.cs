// Expected values are computed by hand from the entries.

using static NanoFlow.Planning.Tests.Samples;

namespace NanoFlow.Planning.Tests;

public class CostTableTests
{
    private static readonly GraphOp Gemm = Graph.Find(Segment.Layer, "qkv")!;
    private static readonly GraphOp Attention = Graph.Find(Segment.Layer, "attention")!;

    [Theory]
    // Measured.
    [InlineData(10, 4, 30)]
    [InlineData(20, 4, 40)]
    // Between two sizes.
    [InlineData(15, 4, 35)]
    [InlineData(50, 4, 70)]
    // Below the first: the line of the first two.
    [InlineData(5, 4, 25)]
    // Above the last: the line of the last two.
    [InlineData(160, 4, 180)]
    [InlineData(0, 4, 0)]
    public void Time_OfRows_IsLinearBetweenEntries(int rows, int units, double expected) =>
        Assert.Equal(expected, Table().Time(Launch(Gemm, rows, units)), 9);

    [Theory]
    // Half the units of the first entry: half its speed.
    [InlineData(1, 60)]
    [InlineData(2, 30)]
    // Speeds 1/30 at 2 units and 1/10 at 6, so 1/15 at 4.
    [InlineData(4, 15)]
    [InlineData(6, 10)]
    // Units above the last entry bring nothing.
    [InlineData(8, 10)]
    public void Time_OnUnitsBetweenEntries_IsLinearInSpeed(int units, double expected)
    {
        var table = Table(unitCount: 8, gemm:
        [
            new(Segment.Layer, Gemm.Index, 10, 0, 2, 30),
            new(Segment.Layer, Gemm.Index, 10, 0, 6, 10),
        ]);
        Assert.Equal(expected, table.Time(Launch(Gemm, 10, units)), 9);
    }

    [Theory]
    [InlineData(10, 100, 20)]
    [InlineData(10, 150, 25)]
    [InlineData(10, 300, 40)]
    [InlineData(20, 100, 40)]
    [InlineData(15, 100, 30)]
    // At 10 rows 25; 20 rows were measured at one context, from which time is in proportion.
    [InlineData(15, 150, 42.5)]
    public void Time_OfContext_InterpolatesIncompleteGrids(int rows, double context, double time)
    {
        var table = Table(attention:
        [
            new(Segment.Layer, Attention.Index, 10, 100, 4, 20),
            new(Segment.Layer, Attention.Index, 10, 200, 4, 30),
            new(Segment.Layer, Attention.Index, 20, 100, 4, 40),
        ]);
        Assert.Equal(time, table.Time(new(Attention, new NanoWork(rows, context), 4)), 9);
    }

    [Fact]
    public void Time_OfAnOpWithoutContext_IgnoresContext()
    {
        var table = Table();
        Assert.Equal(
            table.Time(Launch(Gemm, 12, 4)),
            table.Time(new(Gemm, new NanoWork(12, 77_777), 4)));
    }

    [Fact]
    public void Time_BelowSteepEntries_IsInProportionAndNeverFree()
    {
        // The line of both entries would be negative below 90 rows.
        var table = Table(gemm:
        [
            new(Segment.Layer, Gemm.Index, 100, 0, 4, 10),
            new(Segment.Layer, Gemm.Index, 200, 0, 4, 110),
        ]);
        Assert.Equal(5, table.Time(Launch(Gemm, 50, 4)), 9);
        Assert.Equal(0.1, table.Time(Launch(Gemm, 1, 4)), 9);
    }

    [Fact]
    public void Time_OfNoisyEntries_NeverFallsBeyondThem()
    {
        var table = Table(gemm:
        [
            new(Segment.Layer, Gemm.Index, 100, 0, 4, 12),
            new(Segment.Layer, Gemm.Index, 200, 0, 4, 10),
        ]);
        Assert.Equal(12, table.Time(Launch(Gemm, 50, 4)), 9);
        Assert.Equal(10, table.Time(Launch(Gemm, 400, 4)), 9);
    }

    [Fact]
    public void SlowDown_MeasuredPair_IsFoundFromBothSides()
    {
        var table = Table(pairs: [new(Gemm.Index, 64, 3, Attention.Index, 16, 1, 1.5, 2.5)]);
        var (a, b) = (Launch(Gemm, 64, 3), Launch(Attention, 16, 1));

        Assert.Equal(1.5, table.SlowDown(a, b));
        Assert.Equal(2.5, table.SlowDown(b, a));
        // Sizes beyond: as at the nearest.
        Assert.Equal(1.5, table.SlowDown(Launch(Gemm, 1, 2), Launch(Attention, 9999, 2)));
        Assert.Equal(1, table.SlowDown(a, a));
        Assert.Equal(1, table.SlowDown(a, Launch(Attention, 0, 1)));
    }

    [Fact]
    public void SlowDown_BetweenSizes_IsLinearInTheLogarithm()
    {
        var table = Table(pairs:
        [
            new(Gemm.Index, 16, 2, Attention.Index, 8, 2, 1.2, 1),
            new(Gemm.Index, 64, 2, Attention.Index, 8, 2, 1.6, 1),
            new(Gemm.Index, 64, 2, Attention.Index, 32, 2, 2, 1),
        ]);
        // 32 is half way from 16 to 64, and 16 from 8 to 32.
        Assert.Equal(1.4, Between(32, 8), 9);
        Assert.Equal(1.8, Between(64, 16), 9);
        Assert.Equal(1.5, Between(32, 16), 9);

        double Between(int rows, int otherRows) =>
            table.SlowDown(Launch(Gemm, rows, 2), Launch(Attention, otherRows, 2));
    }

    [Fact]
    public void SlowDown_OtherUnits_IsThatOfTheNearest()
    {
        var table = Table(unitCount: 8, pairs:
        [
            new(Gemm.Index, 16, 6, Attention.Index, 16, 2, 1.1, 1.2),
            new(Gemm.Index, 16, 4, Attention.Index, 16, 4, 0.9, 1.4),
        ]);
        Assert.Equal(1.1, At(7, 1));
        Assert.Equal(1, At(3, 4));

        double At(int own, int other) =>
            table.SlowDown(Launch(Gemm, 16, own), Launch(Attention, 16, other));
    }

    [Fact]
    public void SlowDown_OpBesideItself_IsTheMeanOfBothSides()
    {
        var table = Table(pairs: [new(Gemm.Index, 16, 2, Gemm.Index, 16, 2, 1.2, 1.4)]);
        Assert.Equal(1.3, table.SlowDown(Launch(Gemm, 16, 2), Launch(Gemm, 16, 2)), 9);
    }

    [Fact]
    public void TimeAndSlowDown_AnyLaunch_AllocateNothing()
    {
        var table = RandomCosts(new Random(3)).Table;
        var sum = Ask();
        var before = GC.GetAllocatedBytesForCurrentThread();
        sum += Ask();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(double.IsFinite(sum));

        double Ask()
        {
            var total = 0.0;
            for (var rows = 1; rows < 3000; rows += 7)
            {
                var (a, b) = (Launch(Gemm, rows, 3), Launch(Attention, rows / 2, 2));
                total += table.Time(a) + table.Time(b) + table.SlowDown(a, b);
            }
            return total;
        }
    }

    [Fact]
    public void Time_RandomEntries_IsPositiveAndMeetsEveryEntry()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var table = RandomCosts(new Random(seed)).Table;
            Assert.All(table.Ops, cost => Assert.Equal(
                cost.Microseconds,
                table.Time(new(
                    Graph.At(cost.Segment, cost.Op),
                    new NanoWork(cost.Rows, cost.Context),
                    cost.Units)),
                9));
        }
    }

    [Fact]
    public void MedianRelativeDifference_OfTwoTables_IsThatOfCommonEntries()
    {
        var table = Table();
        Assert.Equal(0, table.MedianRelativeDifference(table));

        // Four other ops are equal, so the median of seven common entries is 0.
        var other = Table(gemm:
        [
            new(Segment.Layer, Gemm.Index, 10, 0, 4, 33),
            new(Segment.Layer, Gemm.Index, 20, 0, 4, 44),
            new(Segment.Layer, Gemm.Index, 80, 0, 4, 130),
            new(Segment.Layer, Gemm.Index, 90, 0, 4, 1),
        ]);
        Assert.Equal(0, table.MedianRelativeDifference(other));
        Assert.Equal(double.NaN, table.MedianRelativeDifference(Table(rows: 11)));
    }

    [Fact]
    public void MedianRelativeDifference_OfEvenlyManyEntries_IsBetweenTheMiddleTwo()
    {
        var graph = Graph with { Ops = [Gemm] };
        // 10 of a mean of 100, and 30 of a mean of 100.
        Assert.Equal(0.2, Of(95, 85).MedianRelativeDifference(Of(105, 115)), 9);

        CostTable Of(double first, double second) => new(graph, 4, [4], 0,
        [
            new(Segment.Layer, Gemm.Index, 1, 0, 4, first),
            new(Segment.Layer, Gemm.Index, 2, 0, 4, second),
        ], []);
    }

    [Fact]
    public void CostTable_EntriesThatDoNotFit_AreRefused()
    {
        Refused(() => Table(gemm: []), "layer op 'qkv' was not measured");
        Refused(() => Table(gemm: [new(Segment.Layer, 0, 5, 0, 1, 0)]), "takes 0 us");
        Refused(() => Table(gemm: [.. Twice()]), "measured twice at 5 rows on 1 units");
        Refused(() => Table(pairs: [new(0, 1, 1, 3, 1, 1, 1, 1)]), "a pair of ops 0 and 3");
        Refused(() => new CostTable(Graph, 4, [2, 2, 4], 0, [], []), "choice 1 of units, 2,");
        Refused(() => new CostTable(Graph, 4, [1, 2], 0, [], []), "not 4, all there are");

        static IEnumerable<OpCost> Twice() =>
            [new(Segment.Layer, 0, 5, 0, 1, 3), new(Segment.Layer, 0, 5, 8, 1, 4)];

        static void Refused(Func<CostTable> make, string message) => Assert.Contains(
            message, Assert.Throws<ArgumentException>(make).Message, StringComparison.Ordinal);
    }

    private static Launch Launch(GraphOp op, int rows, int units) =>
        new(op, new NanoWork(rows, 100), units);

    // A GEMM of 20 us and one for each row; every other op one entry.
    private static CostTable Table(
        int unitCount = 4,
        int rows = 10,
        OpCost[]? gemm = null,
        OpCost[]? attention = null,
        PairCost[]? pairs = null)
    {
        gemm ??= rows == 10
            ?
            [
                new(Segment.Layer, Gemm.Index, 10, 0, 4, 30),
                new(Segment.Layer, Gemm.Index, 20, 0, 4, 40),
                new(Segment.Layer, Gemm.Index, 80, 0, 4, 100),
            ]
            : [new(Segment.Layer, Gemm.Index, rows, 0, 4, 30)];
        attention ??= [new(Segment.Layer, Attention.Index, rows, 100, 4, 20)];
        var others = Graph.Ops
            .Where(op => op != Gemm && op != Attention)
            .Select(op => new OpCost(op.Segment, op.Index, rows, 0, 4, 7));
        return new CostTable(
            Graph, unitCount, [unitCount], 2, [.. gemm, .. attention, .. others], pairs ?? []);
    }
}
