// What the search finds, with what the simulation says of it, through a file into the pictures.

using NanoFlow.Planning.Drawing;
using NanoFlow.Planning.Search;
using NanoFlow.Planning.Simulation;
using NanoFlow.Planning.Tests.Search;

namespace NanoFlow.Planning.Tests;

public class SearchedPictureTests
{
    [Fact]
    public void Pictures_OfASearchedPlanFromItsFile_ShowEveryNanoOp()
    {
        var graph = LayerGraphs.Decoder(layers: 12, hasNetwork: true);
        var mix = new StepMix(2048, 1024, 768);
        var costs = new PublishedCosts();
        var found = PlanSearch.Run(graph, mix, costs, new PlanSearchOptions
        {
            Budget = TimeSpan.FromMinutes(1),
            MaxEvaluations = 4_000,
        });
        var plan = found.Best[0].Plan;
        var prediction = PlanPrediction.Of(plan, graph, mix, costs);
        var times = new PlanTimes(
            prediction.Period, found.SequentialPeriod, found.LowerBound, 0, 0);
        var bucket = new PlanBucket(
            mix, plan, IsUsed: true, times, prediction.SteadyLayer(graph.LayerCount));
        var here = new Origin(graph.Hash, "8 x gpu", "0.1.0");
        var file = PlanFile.Write(new PlanSet(here, "70b", 12, graph.Ops, [bucket]));

        var set = PlanFile.Parse(file);

        Assert.Equal(bucket.Predicted, set.Buckets[0].Predicted);
        var text = PlanText.Draw(set, 160);
        var picture = PlanSvg.Draw(set, set.Buckets[0], prediction.Spans);
        foreach (var op in graph.In(Segment.Layer))
        {
            Assert.Contains($"  {op.Name}", text, StringComparison.Ordinal);
            Assert.Contains($"<title>{op.Name}", picture, StringComparison.Ordinal);
        }
    }
}
