using NanoFlow.Planning;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine.Tests;

public class PlanTableTests
{
    private static readonly StepMix Decode = new(64, 64, 1024);
    private static readonly StepMix Prefill = new(512, 0, 512);
    private static readonly StepMix Mixed = new(512, 128, 1024);

    private static readonly PlanTable Table = FakeEngine.PlansFor(Decode, Prefill, Mixed);

    // Of 64 rows: 32 to 90; of 512: 256 to 724. A context of 1024 reaches from 256 to 4096.
    [Theory]
    [InlineData(64, 64, 1024, 0)]
    [InlineData(32, 32, 1024, 0)]
    [InlineData(31, 31, 1024, PlanTable.None)]
    [InlineData(90, 90, 1024, 0)]
    [InlineData(91, 91, 1024, PlanTable.None)]
    [InlineData(64, 60, 1024, 0)]
    [InlineData(64, 59, 1024, PlanTable.None)]
    [InlineData(64, 0, 1024, PlanTable.None)]
    [InlineData(64, 64, 256, 0)]
    [InlineData(64, 64, 255, PlanTable.None)]
    [InlineData(64, 64, 4096, 0)]
    [InlineData(64, 64, 4097, PlanTable.None)]
    [InlineData(512, 0, 512, 1)]
    [InlineData(256, 0, 512, 1)]
    [InlineData(724, 0, 512, 1)]
    [InlineData(725, 0, 512, PlanTable.None)]
    [InlineData(512, 20, 512, 1)]
    [InlineData(512, 128, 1024, 2)]
    [InlineData(512, 100, 600, 2)]
    [InlineData(512, 256, 1024, 2)]
    [InlineData(512, 257, 1024, PlanTable.None)]
    [InlineData(512, 0, 4000, PlanTable.None)]
    [InlineData(512, 512, 1024, PlanTable.None)]
    [InlineData(1, 1, 0, PlanTable.None)]
    public void Pick_Step_GetsTheBucketItIsNear(int rows, int decode, int context, int expected) =>
        Assert.Equal(expected, Table.Pick(new StepMix(rows, decode, context)));

    [Fact]
    public void Pick_SeveralFit_NearestThenFirst()
    {
        var table = FakeEngine.PlansFor(
            new StepMix(64, 64, 1024), new StepMix(64, 64, 256), new StepMix(90, 90, 1024));

        Assert.Equal(0, table.Pick(new StepMix(60, 60, 900)));
        Assert.Equal(1, table.Pick(new StepMix(60, 60, 300)));
        Assert.Equal(2, table.Pick(new StepMix(88, 88, 900)));
        // As far from 1024 as from 256.
        Assert.Equal(0, table.Pick(new StepMix(64, 64, 512)));
    }

    [Fact]
    public void Pick_EveryMixInReach_IsWhatAPlainRuleSays()
    {
        var random = new Random(11);
        for (var i = 0; i < 20_000; i++)
        {
            var bucket = Table.Mixes[i % 3];
            var rows = random.Next(1, 1200);
            var step = new StepMix(rows, random.Next(rows + 1), random.Next(1, 5000));
            var table = FakeEngine.PlansFor(bucket);
            Assert.True(
                Fits(bucket, step) == (table.Pick(step) == 0), $"seed 11, {i}: {bucket} {step}");
        }
    }

    [Fact]
    public void Table_BucketsUnusedOrTwice_AreLeftOut()
    {
        var plan = FakeEngine.NoPlans.Plans[0];
        var table = new PlanTable(plan,
        [
            FakeEngine.Bucket(Decode, plan with { StepRows = 2 }, isUsed: false),
            FakeEngine.Bucket(Prefill, plan with { StepRows = 3 }),
            FakeEngine.Bucket(Prefill, plan with { StepRows = 4 }),
            FakeEngine.Bucket(Mixed, plan with { StepRows = 5 }),
        ]);

        Assert.Equal([Prefill, Mixed], table.Mixes);
        Assert.Equal([1, 3, 5], table.Plans.Select(p => p.StepRows));
    }

    [Fact]
    public void MixOf_Step_HasTheMeanContext()
    {
        // Two decode rows that attend 100 and 200 tokens, and a chunk of 8 rows that ends at 50.
        var step = new StepInfo
        {
            Number = 1,
            SequenceCount = 3,
            DecodeCount = 2,
            RowCount = 10,
            PageCount = 0,
            SampleCount = 0,
            ScoreCount = 0,
            AttendedTokens = 0,
            ReachedTokens = 100 + 200 + 8 * 50,
        };
        Assert.Equal(new StepMix(10, 2, 70), PlanTable.MixOf(step));
    }

    // The same in integers, where every edge is exact.
    private static bool Fits(StepMix bucket, StepMix step)
    {
        var rows = 2 * step.Rows >= bucket.Rows
            && (long)step.Rows * step.Rows <= 2L * bucket.Rows * bucket.Rows;
        var context = 4L * step.Context >= bucket.Context && step.Context <= 4L * bucket.Context;
        var share = Math.Abs(
            (long)step.DecodeRows * bucket.Rows - (long)bucket.DecodeRows * step.Rows);
        var all = (long)step.Rows * bucket.Rows;
        var isPure = bucket.DecodeRows == 0 || bucket.DecodeRows == bucket.Rows;
        return rows && context && (isPure
            ? 16 * share <= all
            : 4 * share <= all && step.DecodeRows > 0 && step.DecodeRows < step.Rows);
    }
}
