// What a model says about a prompt, against transformers in float32: the log-probabilities of its
// tokens, and its pooled hidden states at length one.

using NanoFlow.Engine;
using NanoFlow.Scheduling;

namespace NanoFlow.Golden.Tests;

public sealed class PromptGoldenTests(ITestOutputHelper output)
{
    private static readonly (string Name, Pooling Pooling)[] Poolings =
    [
        ("cls", Pooling.First), ("last", Pooling.Last), ("mean", Pooling.Mean),
    ];

    // Bfloat16 rounds unlikely tokens, which most of a random prompt are, like likely ones.
    [Theory]
    [InlineData("tiny-qwen3", DeviceKind.Reference, 1e-4)]
    [InlineData("tiny-qwen3", DeviceKind.Cpu, 0.06)]
    [InlineData("tiny-llama", DeviceKind.Reference, 1e-4)]
    [InlineData("tiny-llama", DeviceKind.Cpu, 0.06)]
    public async Task Scores_GoldenPrompts_AreTransformers(
        string model, DeviceKind device, double tolerance)
    {
        var golden = GoldenFile.OpenPrompts(model);
        using var engine = GoldenRun.Load(golden, device);
        var worst = 0.0;
        foreach (var entry in golden.Root.GetProperty("scores").EnumerateArray())
        {
            var scores = await ScoreAsync(engine, GoldenFile.Ints(entry.GetProperty("prompt")));
            var expected = entry.GetProperty("logprobs").EnumerateArray().ToArray();
            Assert.Equal(expected.Length, scores.Count);
            for (var i = 0; i < scores.Count; i++)
            {
                var difference = Math.Abs(expected[i].GetDouble() - scores[i].LogProb);
                worst = Math.Max(worst, difference);
                foreach (var pair in entry.GetProperty("top")[i].EnumerateArray())
                {
                    var top = scores[i].Top.ToArray();
                    var found = Array.Find(top, t => t.Token == pair[0].GetInt32());
                    worst = Math.Max(worst, Math.Abs(found.LogProb - pair[1].GetDouble()));
                }
            }
        }
        output.WriteLine($"{model}: largest difference of a log-probability {worst:e2}");
        Assert.True(worst < tolerance, $"largest difference {worst}");
    }

    [Theory]
    [InlineData("tiny-qwen3", DeviceKind.Reference)]
    [InlineData("tiny-qwen3", DeviceKind.Cpu)]
    [InlineData("tiny-llama", DeviceKind.Reference)]
    [InlineData("tiny-llama", DeviceKind.Cpu)]
    public async Task Pooled_GoldenInputs_AreTransformers(string model, DeviceKind device)
    {
        var golden = GoldenFile.OpenPrompts(model);
        using var engine = GoldenRun.Load(golden, device);
        var (farthest, least) = (0.0, 1.0);
        foreach (var entry in golden.Root.GetProperty("embeddings").EnumerateArray())
        {
            foreach (var (name, pooling) in Poolings)
            {
                var ids = GoldenFile.Ints(entry.GetProperty("ids"));
                var state = Normalized(await PoolAsync(engine, ids, pooling));
                var expected = entry.GetProperty(name).EnumerateArray()
                    .Select(x => x.GetDouble()).ToArray();
                Assert.Equal(expected.Length, state.Length);
                farthest = Math.Max(farthest, state.Zip(expected, (a, b) => Math.Abs(a - b)).Max());
                least = Math.Min(least, state.Zip(expected, (a, b) => a * b).Sum());
            }
        }
        output.WriteLine($"{model}: largest difference {farthest:e2}, least cosine {least:f6}");
        Assert.True(least >= 0.999, $"least cosine {least}");
        Assert.True(device == DeviceKind.Cpu || farthest < 1e-4, $"largest difference {farthest}");
    }

    [Theory]
    [InlineData(DeviceKind.Reference)]
    [InlineData(DeviceKind.Cpu)]
    public async Task Scores_TokensThatWereGenerated_AreTheSameBits(DeviceKind device)
    {
        using var engine = GoldenRun.Load(GoldenFile.OpenPrompts("tiny-qwen3"), device);
        int[] prompt = [5, 17, 900, 3];
        var generation = GoldenRun.Submit(engine, prompt, 60);
        var tokens = new List<GeneratedToken>();
        while (await generation.WaitAsync())
        {
            Assert.True(generation.TryRead(out var token));
            tokens.Add(token);
        }

        var scores = await ScoreAsync(engine, [.. prompt, .. tokens.Select(t => t.Token)]);

        for (var i = 0; i < tokens.Count; i++)
        {
            var score = scores[prompt.Length - 1 + i];
            Assert.Equal(tokens[i].LogProb, score.LogProb);
            Assert.Equal(tokens[i].Top.ToArray(), score.Top.ToArray());
        }
    }

    [Theory]
    [InlineData(DeviceKind.Reference)]
    [InlineData(DeviceKind.Cpu)]
    public async Task Pooled_AloneOrInABatch_AreTheSameBits(DeviceKind device)
    {
        var golden = GoldenFile.OpenPrompts("tiny-qwen3");
        using var engine = GoldenRun.Load(golden, device);
        var inputs = golden.Root.GetProperty("embeddings").EnumerateArray()
            .Select(entry => GoldenFile.Ints(entry.GetProperty("ids"))).ToArray();
        foreach (var (_, pooling) in Poolings)
        {
            var together = await Task.WhenAll(
                inputs.Select(ids => PoolAsync(engine, ids, pooling)));
            for (var i = 0; i < inputs.Length; i++)
            {
                Assert.Equal(await PoolAsync(engine, inputs[i], pooling), together[i]);
            }
        }
    }

    private static async Task<PromptScores> ScoreAsync(InferenceEngine engine, int[] prompt)
    {
        var generation = new Generation(new GenerationRequest
        {
            Prompt = prompt,
            MaxNewTokens = 0,
            PromptLogProbs = EngineLimits.LogProbs,
        });
        Assert.Equal(SubmitOutcome.Accepted, engine.TrySubmit(generation));
        Assert.False(await generation.WaitAsync());
        Assert.Equal(FinishReason.Length, generation.Reason);
        return generation.PromptScores!;
    }

    private static async Task<float[]> PoolAsync(
        InferenceEngine engine, int[] ids, Pooling pooling)
    {
        var generation = new Generation(new GenerationRequest
        {
            Prompt = ids,
            MaxNewTokens = 0,
            Pooling = pooling,
        });
        Assert.Equal(SubmitOutcome.Accepted, engine.TrySubmit(generation));
        Assert.False(await generation.WaitAsync());
        return generation.Pooled.ToArray();
    }

    private static double[] Normalized(float[] state)
    {
        var length = Math.Sqrt(state.Sum(x => (double)x * x));
        return [.. state.Select(x => x / length)];
    }
}
