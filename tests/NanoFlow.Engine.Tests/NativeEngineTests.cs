// The engine on the native core: the weightless echo, and a tiny model with random weights whose
// tokens must not depend on what shares a step with them.

using NanoFlow.Models;
using NanoFlow.Native;
using NanoFlow.Planning;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine.Tests;

public sealed class NativeEngineTests : IDisposable
{
    private const int EchoVocab = 500;

    private static readonly EngineOptions Small = new()
    {
        MaxSequences = 16,
        MaxBatchedTokens = 64,
        BlockSize = 16,
        MaxModelLength = 256,
        KvCacheBytes = 1 << 22,
        Threads = 2,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("nanoflow-engine").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(DeviceKind.Reference)]
    [InlineData(DeviceKind.Cpu)]
    public async Task Echo_ManyRequests_CountsOn(DeviceKind device)
    {
        using var engine = InferenceEngine.Load(
            EngineModel.Echo(EchoVocab), Small with { Device = device });
        var generations = Enumerable.Range(0, 40)
            .Select(i => Generation([.. Enumerable.Range(i, 1 + i * 5)], 30)).ToArray();
        Assert.All(generations, g => engine.TrySubmit(g));

        foreach (var generation in generations)
        {
            var last = generation.Request.Prompt.Span[^1];
            var expected = Enumerable.Range(1, 30).Select(k => (last + k) % EchoVocab);
            Assert.Equal(expected, (await generation.ReadAll()).Select(t => t.Token));
        }
        await engine.DrainAsync(FakeEngine.Limit);
        Assert.Equal(0, engine.Counters.UsedPages);
        Assert.Equal(EchoVocab, engine.Facts.VocabSize);
        Assert.Equal(256, engine.Facts.MaxModelLength);
    }

    [Fact]
    public async Task Model_AloneOrTogetherOrPreempted_SameTokens()
    {
        var model = OpenModel();
        var alone = new List<List<int>>();
        using (var engine = InferenceEngine.Load(model, Small with { MaxSequences = 1 }))
        {
            foreach (var generation in Load())
            {
                Assert.Equal(SubmitOutcome.Accepted, engine.TrySubmit(generation));
                alone.Add([.. (await generation.ReadAll()).Select(t => t.Token)]);
            }
        }

        // 16 pages hold one sequence of the longest kind; twelve compete for them.
        var page = InferenceEngine.PlanMemory(model, Small).KvPage;
        using var tight = InferenceEngine.Load(model, Small with { KvCacheBytes = 18 * page });
        var together = Load();
        Assert.All(together, g => Assert.Equal(SubmitOutcome.Accepted, tight.TrySubmit(g)));
        for (var i = 0; i < together.Length; i++)
        {
            Assert.Equal(alone[i], (await together[i].ReadAll()).Select(t => t.Token));
        }
        Assert.True(tight.Counters.Preemptions > 0, "nothing was preempted");
    }

    [Fact]
    public async Task Model_PlanFromFile_SameTokens()
    {
        var model = OpenModel();
        var expected = new List<int>();
        using (var engine = InferenceEngine.Load(model, Small))
        {
            var generation = Load()[3];
            engine.TrySubmit(generation);
            expected.AddRange((await generation.ReadAll()).Select(t => t.Token));
        }

        var path = Path.Combine(_folder, "plan.json");
        await File.WriteAllBytesAsync(path, PlansOf(model, InHalves));
        var options = Small with { Plans = PlanChoice.File(path) };
        using var planned = InferenceEngine.Load(model, options);
        var again = Load()[3];
        planned.TrySubmit(again);
        Assert.Equal(expected, (await again.ReadAll()).Select(t => t.Token));

        await File.WriteAllTextAsync(path, "{}");
        var refused = Assert.Throws<EngineException>(() => InferenceEngine.Load(model, options));
        Assert.Contains("plan.format", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DescribeGraph_TinyModel_SaysWhatOpsReadWriteAndCost()
    {
        using var spec = new NativeModelSpec(OpenModel());
        using var native = new NativeEngineOptions(Small, NfDtype.Bf16, 256, 16);
        using var engine = new NativeEngine(native, spec);
        var graph = engine.DescribeGraph();

        var attention = graph.Find(Segment.Layer, "decode_attention")!;
        Assert.Equal(RowPart.Decode, attention.Part);
        Assert.True(attention.HasContext);
        var kv = graph.Find(Segment.Layer, "rope_append")!.Writes[1];
        Assert.Contains(new GraphRead(kv, Reach.Same), attention.Reads);
        var prefill = graph.Find(Segment.Layer, "prefill_attention")!;
        Assert.Contains(new GraphRead(kv, Reach.Prefix), prefill.Reads);
        var sample = graph.Find(Segment.Epilogue, "sample")!;
        Assert.Equal(RowSpace.Sample, sample.Rows);
        Assert.Empty(sample.Writes);
        Assert.Equal([graph.CarryIn], graph.At(Segment.Prologue, 0).Writes);
        Assert.Equal(graph.CarryOut, graph.In(Segment.Layer).Last().Writes[0]);
        Assert.True(graph.LayerCount > 0 && graph.RunAhead == 2);
        Assert.All(graph.Ops, op => Assert.True(op.Work.RowFlops > 0 && op.Work.RowBytes > 0));
        var device = engine.DescribeDevice();
        Assert.Contains(device.Processor, device.Fingerprint, StringComparison.Ordinal);
    }

    // All programs are there from the start: nothing happens between two steps of different plans.
    [Fact]
    public async Task Model_AnotherPlanEachStep_SameTokens()
    {
        var model = OpenModel();
        var expected = new List<List<int>>();
        using (var engine = InferenceEngine.Load(model, Small))
        {
            expected.AddRange(await AnswerAsync(engine, Load()));
        }

        var path = Path.Combine(_folder, "plan.json");
        await File.WriteAllBytesAsync(path, PlansOf(model, InHalves, OnTwoLanes));
        var options = Small with { Plans = PlanChoice.File(path) };
        var parts = EngineLoader.Load(model, options, progress: null, planning: null);
        var executor = new TurnTaking(parts.Executor, new int[3]);
        using var planned = new InferenceEngine(parts with { Executor = executor }, options);

        Assert.Equal(expected, await AnswerAsync(planned, Load()));
        Assert.All(executor.Steps, count => Assert.True(count > 30, $"only {count} steps"));
    }

    [Fact]
    public async Task Model_SamplingOptions_ReachTheDevice()
    {
        using var engine = InferenceEngine.Load(OpenModel(), Small);
        var allowed = new[] { 5, 70, 900 };
        var masked = Generation([1, 2, 3], 40, new SamplingParams { AllowedTokens = allowed });
        var biased = Generation([1, 2, 3], 10, SamplingParams.Greedy with
        {
            LogitBias = [new TokenBias(77, 1000)],
        });
        var ranked = Generation([1, 2, 3], 10, SamplingParams.Greedy with { LogProbCount = 4 });
        foreach (var generation in new[] { masked, biased, ranked })
        {
            Assert.Equal(SubmitOutcome.Accepted, engine.TrySubmit(generation));
        }

        Assert.All(await masked.ReadAll(), t => Assert.Contains(t.Token, allowed));
        Assert.All(await biased.ReadAll(), t => Assert.Equal(77, t.Token));
        Assert.All(await ranked.ReadAll(), t =>
        {
            Assert.Equal(4, t.Top.Length);
            Assert.Equal(new TokenLogProb(t.Token, t.LogProb!.Value), t.Top.Span[0]);
            Assert.True(t.LogProb <= 0 && t.Top.Span[3].LogProb <= t.Top.Span[0].LogProb);
        });
    }

    [Fact]
    public void Load_WithProgress_NamesEveryTensorOnce()
    {
        var model = OpenModel();
        var seen = new List<LoadProgress>();
        using var engine = InferenceEngine.Load(model, Small, seen.Add);

        Assert.NotEmpty(seen);
        Assert.Equal(seen.Count, seen.Select(p => p.Tensor).Distinct().Count());
        Assert.Equal(seen[^1].TensorCount, seen.Count);
        Assert.Equal(seen[^1].ByteCount, seen[^1].BytesDone);
        Assert.Equal("cpu", engine.Facts.Device.Name);
        Assert.True(engine.Facts.Memory.Weights > 0);
    }

    [Fact]
    public void Load_LongerThanTheModel_IsRefused()
    {
        var error = Assert.Throws<EngineException>(() => InferenceEngine.Load(
            OpenModel(), Small with { MaxModelLength = 513 }));
        Assert.Contains("513", error.Message, StringComparison.Ordinal);
        Assert.Contains("512", error.Message, StringComparison.Ordinal);
    }

    private EngineModel OpenModel()
    {
        var path = Path.Combine(_folder, "model");
        if (!Directory.Exists(path))
        {
            RandomModel.Create(ModelShapes.Find("tiny-llama")!, path, seed: 1);
        }
        return EngineModel.From(ModelFolder.Open(path));
    }

    // Short outputs first, so that admission expects them and the long ones run out of pages.
    private static Generation[] Load() =>
    [
        .. Enumerable.Range(0, 12).Select(i =>
        {
            var random = new Random(i);
            var prompt = Enumerable.Range(0, 10 + i * 3).Select(_ => random.Next(1024));
            return Generation([.. prompt], i < 2 ? 1 : 120, new SamplingParams
            {
                Temperature = i % 2,
                Seed = (ulong)i,
                PresencePenalty = i % 3,
                TopP = 0.9f,
            });
        }),
    ];

    private static Generation Generation(
        int[] prompt, int newTokens, SamplingParams? sampling = null) =>
        new(new GenerationRequest
        {
            Prompt = prompt,
            MaxNewTokens = newTokens,
            Sampling = sampling ?? SamplingParams.Greedy,
        });

    private static async Task<List<List<int>>> AnswerAsync(
        InferenceEngine engine, Generation[] generations)
    {
        Assert.All(generations, g => Assert.Equal(SubmitOutcome.Accepted, engine.TrySubmit(g)));
        var answers = new List<List<int>>();
        foreach (var generation in generations)
        {
            answers.Add([.. (await generation.ReadAll()).Select(t => t.Token)]);
        }
        return answers;
    }

    // A file of plans made from the sequential one for four rows, in buckets of their own.
    private static byte[] PlansOf(EngineModel model, params Func<Plan, Plan>[] changes)
    {
        using var spec = new NativeModelSpec(model);
        using var native = new NativeEngineOptions(Small, NfDtype.Bf16, 256, 16);
        using var engine = new NativeEngine(native, spec);
        var graph = engine.DescribeGraph();
        var device = engine.DescribeDevice();
        var whole = Plan.Sequential(graph, device.UnitCount, stepRows: 4);
        var buckets = changes.Select(
            (change, i) => FakeEngine.Bucket(new StepMix(4, 4, 64 << i), change(whole)));
        return PlanFile.Write(new PlanSet(
            EngineLoader.OriginOf(graph, device),
            "tiny-llama",
            graph.LayerCount,
            graph.Ops,
            [.. buckets]));
    }

    // Every op cut in two halves, one after the other.
    private static Plan InHalves(Plan whole) => whole with
    {
        NanoOps =
        [
            .. whole.NanoOps.SelectMany(op => new[]
            {
                op with { RowEnd = 2 },
                op with { RowBegin = 2 },
            }),
        ],
    };

    // The second halves on a lane of their own.
    private static Plan OnTwoLanes(Plan whole)
    {
        var halves = InHalves(whole);
        return halves with
        {
            Lanes = [new Lane(0), new Lane(0)],
            NanoOps = [.. halves.NanoOps.Select(op => op with { Lane = op.RowBegin / 2 })],
        };
    }

    // Step n runs plan n modulo their number, whatever the engine chose.
    private sealed class TurnTaking(IStepExecutor inner, int[] steps) : IStepExecutor
    {
        public IReadOnlyList<int> Steps => steps;

        public int SlotCount => inner.SlotCount;

        public IStepWriter Begin(int slot) => inner.Begin(slot);

        public void Submit(int slot, in StepInfo step, int plan)
        {
            var turn = (int)(step.Number % steps.Length);
            steps[turn]++;
            inner.Submit(slot, step, turn);
        }

        public void Release(int slot) => inner.Release(slot);

        public bool TryWait(int slot, TimeSpan timeout, StepResults results) =>
            inner.TryWait(slot, timeout, results);

        public void ReadPooled(int sequenceSlot, Span<float> state) =>
            inner.ReadPooled(sequenceSlot, state);

        public void Dispose() => inner.Dispose();
    }
}
