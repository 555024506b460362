using NanoFlow.Planning;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine.Tests;

/// <summary>Engines on a fake executor, and what tests do with generations.</summary>
internal static class FakeEngine
{
    public const int MaxPositions = 256;
    public const int HiddenSize = 4;

    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static readonly EngineOptions Options = new()
    {
        MaxSequences = 8,
        MaxBatchedTokens = 32,
        BlockSize = 16,
        MaxQueuedRequests = 64,
    };

    public static PlanTable NoPlans => PlansFor();

    public static InferenceEngine Start(
        FakeExecutor executor,
        EngineOptions? options = null,
        int pageCount = 64,
        int maxPositions = MaxPositions,
        PlanTable? plans = null)
    {
        options ??= Options;
        var limits = new SchedulerOptions
        {
            MaxSequences = options.MaxSequences,
            MaxStepRows = options.MaxBatchedTokens,
            MaxPositions = maxPositions,
            PageTokens = options.BlockSize,
            PageCount = pageCount,
        };
        var memory = new MemoryPlan
        {
            Weights = 0,
            Arena = 0,
            Sampling = 0,
            Steps = 0,
            KvPage = 1,
            PageCount = pageCount,
            PageTokens = options.BlockSize,
            LargestTensor = 0,
            Available = 0,
        };
        var device = new DeviceFacts("fake", 1, "none", "a test");
        var facts = new EngineFacts(
            FakeExecutor.Vocab, maxPositions, device, memory, new GraphFacts(0, []))
        {
            HiddenSize = HiddenSize,
        };
        var parts = new EngineParts(executor, plans ?? NoPlans, limits, facts);
        return new InferenceEngine(parts, options);
    }

    /// <summary>A plan, without content, for each mix.</summary>
    public static PlanTable PlansFor(params StepMix[] mixes)
    {
        var empty = new Plan { StepRows = 1, Partitions = [], Lanes = [], NanoOps = [] };
        return new PlanTable(empty, mixes.Select(mix => Bucket(mix, empty)));
    }

    public static PlanBucket Bucket(StepMix mix, Plan plan, bool isUsed = true) =>
        new(mix, plan, isUsed, new PlanTimes(0, 0, 0, 0, 0), []);

    public static Generation Generation(
        int first, int newTokens, int promptTokens = 3, SamplingParams? sampling = null) =>
        new(new GenerationRequest
        {
            Prompt = Enumerable.Range(0, promptTokens)
                .Select(i => (first + i) % FakeExecutor.Vocab).ToArray(),
            MaxNewTokens = newTokens,
            Sampling = sampling ?? SamplingParams.Greedy,
        });

    /// <summary>What the echo must answer.</summary>
    public static IEnumerable<int> Echo(Generation generation, int count)
    {
        var last = generation.Request.Prompt.Span[^1];
        return Enumerable.Range(1, count).Select(i => (last + i) % FakeExecutor.Vocab);
    }

    public static async Task<List<GeneratedToken>> ReadAll(this Generation generation)
    {
        var tokens = new List<GeneratedToken>();
        while (await generation.WaitAsync().AsTask().WaitAsync(Limit))
        {
            while (generation.TryRead(out var token))
            {
                tokens.Add(token);
            }
        }
        return tokens;
    }
}
