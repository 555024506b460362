// A plan file that overlaps nano-batches on several lanes, through the whole engine: the answers
// are those of the sequential plan, to the last bit of their log-probabilities.

using NanoFlow.Engine;
using NanoFlow.Models;
using NanoFlow.Planning;
using NanoFlow.Scheduling;

namespace NanoFlow.Golden.Tests;

public sealed class PlanFileTests : IDisposable
{
    private const string Model = "tiny-llama";
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData(PartitionKind.Shared)]
    [InlineData(PartitionKind.Disjoint)]
    public async Task PlanFile_NanoBatchesOnTwoLanes_ChangesNoBit(PartitionKind kind)
    {
        List<(int Token, float LogProb)> expected;
        using (var engine = Load(plan: null))
        {
            Write(engine.Facts, TwoLanes(engine.Facts.Graph, kind));
            expected = await AnswerAsync(engine);
        }
        using (var engine = Load(_path))
        {
            Assert.Equal(expected, await AnswerAsync(engine));
            var counters = engine.Counters;
            var planned = counters.Plans.Skip(1).Sum(plan => plan.Steps);
            Assert.True(planned > counters.Steps / 3, $"{planned} of {counters.Steps} steps");
        }
    }

    [Fact]
    public void PlanFile_OfAnotherGraph_IsRefusedWithTheReason()
    {
        using (var engine = Load(plan: null))
        {
            var facts = engine.Facts with { Graph = engine.Facts.Graph with { Hash = 1 } };
            Write(facts, TwoLanes(facts.Graph, PartitionKind.Shared));
        }
        var error = Assert.Throws<EngineException>(() => Load(_path));
        Assert.Contains("plan.graph", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PlanFile_ThatLeavesRowsOut_IsRefusedWithTheReason()
    {
        using (var engine = Load(plan: null))
        {
            var plan = TwoLanes(engine.Facts.Graph, PartitionKind.Shared);
            Write(engine.Facts, plan with { NanoOps = [.. plan.NanoOps.Skip(1)] });
        }
        var error = Assert.ThrowsAny<EngineException>(() => Load(_path));
        Assert.Contains("not covered exactly once", error.Message, StringComparison.Ordinal);
    }

    // For every mix of rows that the answers come to: prefill, decode and both.
    private void Write(EngineFacts facts, Plan plan)
    {
        var buckets =
            from rows in (int[])[4, 11, 31, 88, 250]
            from quarters in Enumerable.Range(0, 5)
            from context in (int[])[8, 100]
            let mix = new StepMix(rows, rows * quarters / 4, context)
            select new PlanBucket(mix, plan, true, new PlanTimes(0, 0, 0, 0, 0), []);
        File.WriteAllBytes(_path, PlanFile.Write(new PlanSet(
            facts.Origin, Model, LayerCount: 2, facts.Graph.Ops, [.. buckets])));
    }

    // Every op in two halves, each on its own lane.
    private static Plan TwoLanes(GraphFacts graph, PartitionKind kind)
    {
        const int StepRows = 2;
        var nanoOps = new List<NanoOp>();
        foreach (var op in graph.Ops)
        {
            for (var half = 0; half < StepRows; half++)
            {
                nanoOps.Add(new NanoOp(op.Segment, op.Index, half, 0, 0, half, half + 1));
            }
        }
        return new Plan
        {
            StepRows = StepRows,
            Partitions = [new(kind, 0, 1), new(kind, 1, 1)],
            Lanes = [new(0), new(1)],
            NanoOps = nanoOps,
        };
    }

    private static InferenceEngine Load(string? plan)
    {
        var folder = Path.Combine(GoldenFile.RepositoryRoot, "tests", "golden", Model);
        return InferenceEngine.Load(
            EngineModel.From(ModelFolder.Open(folder)),
            new EngineOptions
            {
                MaxSequences = 32,
                KvCacheBytes = 64 << 20,
                Threads = 2,
                Plans = plan is null ? PlanChoice.Sequential : PlanChoice.File(plan),
            });
    }

    private static async Task<List<(int Token, float LogProb)>> AnswerAsync(InferenceEngine engine)
    {
        var generations = new List<Generation>();
        for (var i = 0; i < 20; i++)
        {
            var prompt = Enumerable.Range(0, 1 + (7 * i)).Select(t => (t * 31 + i) % 1000);
            var generation = new Generation(new GenerationRequest
            {
                Prompt = prompt.ToArray(),
                MaxNewTokens = 12,
                Sampling = new SamplingParams
                {
                    Temperature = i % 2,
                    Seed = (ulong)i,
                    LogProbCount = 1,
                },
            });
            Assert.Equal(SubmitOutcome.Accepted, engine.TrySubmit(generation));
            generations.Add(generation);
        }
        var answers = new List<(int Token, float LogProb)>();
        foreach (var generation in generations)
        {
            while (await generation.WaitAsync())
            {
                Assert.True(generation.TryRead(out var token));
                answers.Add((token.Token, token.LogProb!.Value));
            }
            Assert.Equal(FinishReason.Length, generation.Reason);
        }
        return answers;
    }
}
