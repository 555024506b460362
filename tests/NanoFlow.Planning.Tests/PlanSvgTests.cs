using System.Globalization;
using System.Xml.Linq;
using NanoFlow.Planning.Drawing;

namespace NanoFlow.Planning.Tests;

public class PlanSvgTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void Draw_EveryNanoOp_HasABlockWithATooltip()
    {
        var bucket = OverlappedSample.Bucket();
        var blocks = Blocks(PlanSvg.Draw(OverlappedSample.Set(bucket), bucket));

        Assert.Equal(
            Enumerable.Range(0, bucket.Plan.NanoOps.Count),
            blocks.Where(block => block.Layer == 0).Select(block => block.NanoOp).Order());
        Assert.Contains(blocks, block => block.Title.StartsWith(
            "attention_decode B (attention, memory): rows 1024-2048, 24 units, ",
            StringComparison.Ordinal));
    }

    [Fact]
    public void Draw_BlocksOfALane_LieWhereTheirTimeIsAndApart()
    {
        var bucket = OverlappedSample.Bucket();
        var blocks = Blocks(PlanSvg.Draw(OverlappedSample.Set(bucket), bucket));
        var scale = blocks.Max(block => block.Right) - blocks.Min(block => block.X);

        foreach (var lane in blocks.GroupBy(block => bucket.Plan.NanoOps[block.NanoOp].Lane))
        {
            var ordered = lane.OrderBy(block => block.X).ToArray();
            Assert.All(ordered.Zip(ordered.Skip(1)), pair => Assert.True(
                pair.First.Right <= pair.Second.X + 1e-6, $"{pair.First} and {pair.Second}"));
        }
        foreach (var block in blocks.Where(block => block.Layer == 0))
        {
            var span = bucket.Predicted.Single(span => span.NanoOp == block.NanoOp);
            Assert.Equal(
                (span.End - span.Begin) / (2 * bucket.Times.Period),
                (block.Right - block.X) / scale,
                2e-3);
        }
    }

    [Fact]
    public void Draw_MeasuredAsPredicted_LiesBelowAtTheSameTimes()
    {
        var bucket = OverlappedSample.Bucket();
        var blocks = Blocks(PlanSvg.Draw(
            OverlappedSample.Set(bucket), bucket, OverlappedSample.Measured(seed: null)));
        var middle = (blocks.Max(block => block.Y) + blocks.Min(block => block.Y)) / 2;
        var predicted = blocks.Where(block => block.Y < middle).ToArray();
        var measured = blocks.Where(block => block.Y > middle).ToArray();

        Assert.Equal(predicted.Select(Place), measured.Select(Place));

        // A rounding of the offset may move an edge by a hundredth.
        static (int NanoOp, int Layer, double X) Place(DrawnBlock block) =>
            (block.NanoOp, block.Layer, Math.Round(block.X, 1));
    }

    [Fact]
    public void Draw_RandomPlans_AreXml()
    {
        for (var seed = 0; seed < 30; seed++)
        {
            var set = Samples.RandomSet(new Random(seed)) with { Model = "<a & \"b\"> \ufffe" };
            foreach (var bucket in set.Buckets)
            {
                var text = PlanSvg.Draw(set, bucket);
                var title = XDocument.Parse(text).Root!.Element(Svg + "title")!.Value;
                Assert.StartsWith("<a & \"b\"> ?, 2 layers", title, StringComparison.Ordinal);
                var failure = Record.Exception(() => Blocks(text));
                Assert.True(failure is null, $"seed {seed}: {failure}");
            }
        }
    }

    [Fact]
    public void Draw_UnitsOfANanoOp_AreTheHeightOfItsBlock()
    {
        var bucket = OverlappedSample.Bucket();
        var blocks = Blocks(PlanSvg.Draw(OverlappedSample.Set(bucket), bucket));
        var whole = blocks.First(block => Name(block) == "qkv").Height;

        // 48 of the lane's 76 units.
        var half = blocks.First(block => Name(block) == "attention_prefill").Height;
        Assert.Equal(48.0 / 76, half / whole, 1e-2);

        string Name(DrawnBlock block) =>
            OverlappedSample.Graph.Ops[bucket.Plan.NanoOps[block.NanoOp].Op].Name;
    }

    private static DrawnBlock[] Blocks(string svg) =>
    [
        .. XDocument.Parse(svg).Descendants(Svg + "rect")
            .Where(rect => rect.Attribute("data-nano-op") is not null)
            .Select(rect => new DrawnBlock(
                (int)rect.Attribute("data-nano-op")!,
                (int)rect.Attribute("data-layer")!,
                Number(rect, "x"),
                Number(rect, "y"),
                Number(rect, "x") + Number(rect, "width"),
                Number(rect, "height"),
                rect.Element(Svg + "title")!.Value)),
    ];

    private static double Number(XElement element, string name) =>
        double.Parse(element.Attribute(name)!.Value, CultureInfo.InvariantCulture);

    private sealed record DrawnBlock(
        int NanoOp, int Layer, double X, double Y, double Right, double Height, string Title);
}
