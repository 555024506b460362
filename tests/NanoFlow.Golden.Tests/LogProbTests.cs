// Teacher-forced: every golden prefix is a request of its own, so that one early difference does
// not hide the steps behind it. All prefixes run at once, which mixes prefill and decode at many
// lengths.

using NanoFlow.Engine;
using NanoFlow.Models;
using NanoFlow.Scheduling;

namespace NanoFlow.Golden.Tests;

public sealed class LogProbTests(ITestOutputHelper output)
{
    // Below this margin lower precision may pick the runner-up.
    private const double ClearMargin = 0.1;

    [Theory]
    [MemberData(nameof(GoldenFile.LogProbModels), MemberType = typeof(GoldenFile))]
    public async Task Reference_GoldenPrefixes_GivesTransformersTokensAndLogProbs(string model)
    {
        var worst = 0.0;
        await foreach (var (step, token) in Force(model, DeviceKind.Reference))
        {
            Assert.Equal(step.Id, token.Token);
            worst = Math.Max(worst, Difference(step, token));
        }
        output.WriteLine($"{model}: largest difference of a log-probability {worst:e2}");
        Assert.True(worst < 1e-3, $"largest difference {worst}");
    }

    [Theory]
    [MemberData(nameof(GoldenFile.LogProbModels), MemberType = typeof(GoldenFile))]
    public async Task Cpu_GoldenPrefixes_GivesTransformersTokensWhereTheMarginIsClear(string model)
    {
        var worst = 0.0;
        var steps = 0;
        var excluded = 0;
        await foreach (var (step, token) in Force(model, DeviceKind.Cpu))
        {
            steps++;
            worst = Math.Max(worst, Difference(step, token));
            if (step.Margin <= ClearMargin)
            {
                excluded++;
                continue;
            }
            Assert.Equal(step.Id, token.Token);
        }
        output.WriteLine(
            $"{model}: largest difference {worst:f4}; {excluded} of {steps} steps excluded "
            + $"for a margin under {ClearMargin}");
        Assert.True(worst < 0.05, $"largest difference {worst}");
        Assert.True(excluded * 20 < steps);
    }

    // Of the golden's five most likely tokens, wherever the engine reports them too.
    private static double Difference(GoldenStep step, GeneratedToken token)
    {
        var top = token.Top.ToArray();
        var worst = 0.0;
        foreach (var (id, logProb) in step.Top)
        {
            var found = Array.FindIndex(top, candidate => candidate.Token == id);
            Assert.True(found >= 0, $"token {id} is not among the first {top.Length}");
            worst = Math.Max(worst, Math.Abs(top[found].LogProb - logProb));
        }
        return worst;
    }

    private static async IAsyncEnumerable<(GoldenStep Step, GeneratedToken Token)> Force(
        string model, DeviceKind device)
    {
        var golden = GoldenFile.Open(model);
        using var engine = InferenceEngine.Load(
            EngineModel.FromFolder(ModelFolder.Open(golden.Folder)),
            new EngineOptions { Device = device, MaxSequences = 32, KvCacheBytes = 64 << 20 });
        var running = new List<(GoldenStep Step, Generation Generation)>();
        foreach (var text in golden.Greedy)
        {
            for (var i = 0; i < text.Steps.Length; i++)
            {
                var prefix = text.Prompt.Concat(text.Steps.Take(i).Select(step => step.Id));
                var generation = new Generation(new GenerationRequest
                {
                    Prompt = prefix.ToArray(),
                    MaxNewTokens = 1,
                    Sampling = SamplingParams.Greedy with { LogProbCount = 20 },
                });
                Assert.Equal(SubmitOutcome.Accepted, engine.TrySubmit(generation));
                running.Add((text.Steps[i], generation));
            }
        }
        foreach (var (step, generation) in running)
        {
            Assert.True(await generation.WaitAsync());
            Assert.True(generation.TryRead(out var token));
            yield return (step, token);
        }
    }
}
