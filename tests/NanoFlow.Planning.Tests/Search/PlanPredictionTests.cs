using NanoFlow.Planning.Search;
using NanoFlow.Planning.Simulation;
using Xunit;

namespace NanoFlow.Planning.Tests.Search;

public sealed class PlanPredictionTests
{
    private static readonly GraphFacts Graph = LayerGraphs.Decoder(layers: 5, hasNetwork: true);
    private static readonly StepMix Mix = new(96, 32, 500);

    [Fact]
    public void Of_RandomPlans_NothingBeginsBeforeWhatItReadsIsWritten()
    {
        for (var seed = 0; seed < 30; seed++)
        {
            var costs = new RandomCosts(seed);
            var plan = RandomPlans.Draw(Graph, Mix, costs, rowTile: 1, seed);
            var spans = PlanPrediction.Of(plan, Graph, Mix, costs).Spans;

            Assert.Equal(
                plan.NanoOps.Sum(n => n.Segment == Segment.Layer ? Graph.LayerCount : 1),
                spans.Count);
            foreach (var reader in spans)
            {
                Assert.All(spans.Where(source => IsRead(plan, source, reader)), source =>
                    Assert.True(
                        source.EndMicroseconds <= reader.BeginMicroseconds + 1e-6,
                        $"seed {seed}: {reader} began before {source} had ended"));
            }
        }
    }

    // A carried tensor is written in the tick before; all others in the same one.
    private static bool IsRead(Plan plan, TimelineSpan source, TimelineSpan reader)
    {
        var (from, to) = (plan.NanoOps[source.NanoOp], plan.NanoOps[reader.NanoOp]);
        var writes = Graph.At(from.Segment, from.Op).Writes;
        return Graph.At(to.Segment, to.Op).Reads.Any(read =>
        {
            var isCarried = to.Segment != Segment.Prologue
                && read.Tensor == (to.Segment == Segment.Layer ? Graph.CarryIn : Graph.CarryOut);
            var tensor = isCarried && from.Segment == Segment.Layer ? Graph.CarryOut : read.Tensor;
            var begin = read.Reach == Reach.Same ? to.RowBegin : 0;
            var end = read.Reach == Reach.All ? plan.StepRows : to.RowEnd;
            return source.Tick == reader.Tick - (isCarried ? 1 : 0) && writes.Contains(tensor)
                && from.RowBegin < end && from.RowEnd > begin;
        });
    }
}
