// The bench on the native engine: plans that the search's rules allow are accepted, and what the
// lanes did is what ops read and write allow.

using NanoFlow.Engine.Measuring;
using NanoFlow.Models;
using NanoFlow.Planning;
using NanoFlow.Planning.Search;
using Xunit;

namespace NanoFlow.Engine.Tests.Measuring;

public sealed class PlanBenchTests : IDisposable
{
    private static readonly StepMix Mix = new(72, 24, 40);

    private readonly string _folder =
        Directory.CreateTempSubdirectory("nanoflow-bench").FullName;

    private readonly PlanBench _bench;

    public PlanBenchTests()
    {
        var path = Path.Combine(_folder, "model");
        RandomModel.Create(ModelShapes.Find("tiny-llama")!, path, seed: 1);
        _bench = PlanBench.Load(EngineModel.From(ModelSource.Open(path)), new EngineOptions
        {
            MaxSequences = 32,
            MaxBatchedTokens = 72,
            BlockSize = 16,
            Threads = 2,
            KvCacheBytes = 4 << 20,
        });
    }

    public void Dispose()
    {
        _bench.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Trace_RandomPlans_KeepsTheOrderThatReadsAndWritesAskFor()
    {
        for (var seed = 0; seed < 30; seed++)
        {
            var plan = RandomPlans.Draw(
                _bench.Graph, Mix, new TwoResourceCosts(2, 1), _bench.Device.RowTile, seed);
            using var program = _bench.Open(plan);
            var spans = program.Trace(Mix);

            Assert.True(spans.Count > 20, $"seed {seed}: {spans.Count} spans");
            foreach (var reader in spans)
            {
                foreach (var source in spans.Where(source => IsNeeded(plan, source, reader)))
                {
                    Assert.True(
                        source.EndMicroseconds <= reader.BeginMicroseconds,
                        $"seed {seed}: {reader} began before {source} had ended");
                }
            }
        }
    }

    [Fact]
    public void RunStep_MixThatDoesNotFit_IsRefused()
    {
        using var program = _bench.Open(
            Plan.Sequential(_bench.Graph, _bench.Device.UnitCount, 72));

        Assert.Throws<ArgumentException>(() => program.RunStep(new StepMix(73, 0, 73)));
        Assert.Throws<ArgumentException>(() => program.RunStep(new StepMix(33, 33, 8)));
        Assert.True(program.RunStep(Mix) > 0);
    }

    // Within a layer, and from the layer before.
    private bool IsNeeded(Plan plan, TimelineSpan source, TimelineSpan reader)
    {
        var (from, to) = (plan.NanoOps[source.NanoOp], plan.NanoOps[reader.NanoOp]);
        if (from.Segment != Segment.Layer || to.Segment != Segment.Layer)
        {
            return false;
        }
        var writes = _bench.Graph.At(from.Segment, from.Op).Writes;
        return _bench.Graph.At(to.Segment, to.Op).Reads.Any(read =>
        {
            var isCarried = read.Tensor == _bench.Graph.CarryIn;
            var tensor = isCarried ? _bench.Graph.CarryOut : read.Tensor;
            var begin = read.Reach == Reach.Same ? to.RowBegin : 0;
            var end = read.Reach == Reach.All ? plan.StepRows : to.RowEnd;
            return source.Tick == reader.Tick - (isCarried ? 1 : 0) && writes.Contains(tensor)
                && from.RowBegin < end && from.RowEnd > begin;
        });
    }
}
