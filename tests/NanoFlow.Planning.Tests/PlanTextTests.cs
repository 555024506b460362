using System.Globalization;
using NanoFlow.Planning.Drawing;

namespace NanoFlow.Planning.Tests;

public class PlanTextTests
{
    [Fact]
    public void Draw_AnyPlanAtAnyWidth_FitsAndListsEveryNanoOp()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var random = new Random(seed);
            var set = Samples.RandomSet(random);
            var width = random.Next(PlanText.MinWidth, PlanText.MaxWidth + 1);

            var lines = PlanText.Draw(set, width).Split('\n');

            Assert.All(lines, line => Assert.True(line.Length <= width, $"seed {seed}: {line}"));
            var nanoOps = set.Buckets.Sum(bucket =>
                bucket.Plan.NanoOps.Count(nano => nano.Segment == Segment.Layer));
            Assert.Equal(nanoOps, lines.Count(IsRow));
        }

        // A key, a name, a character for the resource, a lane.
        static bool IsRow(string line) =>
            line.Length > 3 && char.IsAsciiLetterOrDigit(line[0]) && line[1..3] == "  "
            && !char.IsWhiteSpace(line[3]);
    }

    [Fact]
    public void Draw_Lanes_ShowBlocksWhereTheirTimeIs()
    {
        var bucket = OverlappedSample.Bucket();
        var lines = PlanText.Draw(OverlappedSample.Set(bucket), bucket, 200).Split('\n');
        for (var lane = 0; lane < bucket.Plan.Lanes.Count; lane++)
        {
            var row = Lane(lines, lane);
            var left = lines.Single(line => line.Contains("this layer", StringComparison.Ordinal))
                .IndexOf('|', StringComparison.Ordinal);
            var cell = 2 * bucket.Times.Period / (200 - left);
            row = row.PadRight(200)[left..];
            for (var i = 0; i < row.Length; i++)
            {
                var (begin, end) = (i * cell, (i + 1) * cell);
                // Edges are rounded to the nearest cell.
                if (Blocks(bucket, lane).Any(b => b.Begin <= begin - cell && b.End >= end + cell))
                {
                    // A name has one space in it.
                    Assert.Contains(row[i..(i + 2)], c => c != ' ');
                }
                if (!Blocks(bucket, lane).Any(b => b.Begin < end + cell && b.End > begin - cell))
                {
                    Assert.Equal(' ', row[i]);
                }
            }
        }
    }

    [Fact]
    public void Draw_OverlappedPlan_SaysWhatItIs()
    {
        var bucket = OverlappedSample.Bucket();
        var text = PlanText.Draw(OverlappedSample.Set(bucket), 120);

        Assert.Contains("large-70b, 12 layers, on gpu 108", text, StringComparison.Ordinal);
        Assert.Contains(
            "2,048 rows: 1,024 decode, 1,024 prefill; context 1,377",
            text,
            StringComparison.Ordinal);
        var period = bucket.Times.Period.ToString("F1", CultureInfo.InvariantCulture);
        Assert.Contains($"predicted {period} us a layer", text, StringComparison.Ordinal);
        Assert.Contains("at most 9.0 % from the optimum", text, StringComparison.Ordinal);
        Assert.Contains("measured 14.310 ms a step, 1.19 times", text, StringComparison.Ordinal);
        Assert.Contains("##gate_up A##", Lane(0), StringComparison.Ordinal);
        Assert.DoesNotContain('#', Lane(1));
        Assert.DoesNotContain('=', Lane(2));

        string Lane(int lane) => PlanTextTests.Lane(
            PlanText.Draw(OverlappedSample.Set(bucket), 200).Split('\n'), lane);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5e-324)]
    [InlineData(1e-6)]
    [InlineData(1e12)]
    public void Draw_StrangePeriods_AreDrawnAllTheSame(double period)
    {
        var bucket = Samples.Sequential();
        bucket = bucket with { Times = bucket.Times with { Period = period } };

        var text = PlanText.Draw(Samples.Set(bucket), 80);
        Assert.Contains("attention", text, StringComparison.Ordinal);
        var picture = PlanSvg.Draw(Samples.Set(bucket), bucket);
        Assert.Contains("</svg>", picture, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", picture, StringComparison.Ordinal);
    }

    [Fact]
    public void Draw_WithoutPrediction_IsTheTable()
    {
        var bucket = Samples.Sequential() with { Predicted = [] };
        var text = PlanText.Draw(Samples.Set(bucket), 80);

        Assert.DoesNotContain("lane 0", text, StringComparison.Ordinal);
        Assert.Contains("all_reduce", text, StringComparison.Ordinal);
    }

    private static string Lane(string[] lines, int lane) =>
        lines.Single(line => line.StartsWith($"lane {lane} [", StringComparison.Ordinal));

    // Of five layers, which is more than two periods can show.
    private static IEnumerable<(double Begin, double End)> Blocks(PlanBucket bucket, int lane) =>
        from layer in Enumerable.Range(-2, 5)
        from span in bucket.Predicted
        where bucket.Plan.NanoOps[span.NanoOp].Lane == lane
        let shift = layer * bucket.Times.Period
        select (span.Begin + shift, span.End + shift);
}
