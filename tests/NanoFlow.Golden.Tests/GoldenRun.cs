// Teacher-forced: every golden prefix is a request of its own, so that one early difference does
// not hide the steps behind it. All prefixes run at once, which mixes prefill and decode at many
// lengths.

using NanoFlow.Engine;
using NanoFlow.Models;
using NanoFlow.Scheduling;

namespace NanoFlow.Golden.Tests;

internal static class GoldenRun
{
    // Of the golden's five most likely tokens, the engine should name all, in whatever order.
    private const int LogProbCount = 20;

    public static InferenceEngine Load(GoldenFile golden, DeviceKind device) =>
        Load(golden.ModelPath, device);

    public static InferenceEngine Load(string path, DeviceKind device) =>
        InferenceEngine.Load(
            EngineModel.From(ModelSource.Open(path)),
            new EngineOptions { Device = device, MaxSequences = 32, KvCacheBytes = 64 << 20 });

    public static Generation Submit(InferenceEngine engine, int[] prompt, int newTokens)
    {
        var generation = new Generation(new GenerationRequest
        {
            Prompt = prompt,
            MaxNewTokens = newTokens,
            Sampling = SamplingParams.Greedy with { LogProbCount = LogProbCount },
        });
        Assert.Equal(SubmitOutcome.Accepted, engine.TrySubmit(generation));
        return generation;
    }

    // Of each text, the steps that are to be compared.
    public static async IAsyncEnumerable<(GoldenStep Step, GeneratedToken Token)> Force(
        GoldenFile golden, DeviceKind device, Func<GoldenText, int, bool> isCompared)
    {
        using var engine = Load(golden, device);
        var running = new List<(GoldenStep Step, Generation Generation)>();
        foreach (var text in golden.Texts)
        {
            for (var i = 0; i < text.Steps.Length; i++)
            {
                if (isCompared(text, i))
                {
                    var generated = text.Steps.Take(i).Select(step => step.Id);
                    running.Add((
                        text.Steps[i], Submit(engine, [.. text.Prompt, .. generated], 1)));
                }
            }
        }
        Assert.NotEmpty(running);
        foreach (var (step, generation) in running)
        {
            Assert.True(await generation.WaitAsync());
            Assert.True(generation.TryRead(out var token));
            yield return (step, token);
        }
    }

    // The largest among the golden's most likely tokens.
    public static double Difference(GoldenStep step, GeneratedToken token)
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
}
