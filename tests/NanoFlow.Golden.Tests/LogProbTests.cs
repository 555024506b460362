// Tokens and log-probabilities against transformers in float32. The reference device has to agree
// to rounding; the CPU and a GPU compute in bfloat16, and may pick the runner-up of a close race.

using NanoFlow.Engine;

namespace NanoFlow.Golden.Tests;

public sealed class LogProbTests(ITestOutputHelper output)
{
    // Below this margin lower precision may pick the runner-up.
    private const double ClearMargin = 0.1;

    // The reference device computes long prompts slowly: of these, three of 24 steps.
    private const int LongPrompt = 50;

    [Theory]
    [MemberData(nameof(GoldenFile.LogProbModels), MemberType = typeof(GoldenFile))]
    public async Task Reference_GoldenPrefixes_GivesTransformersTokensAndLogProbs(string model)
    {
        var worst = 0.0;
        var forced = GoldenRun.Force(
            GoldenFile.Open(model),
            DeviceKind.Reference,
            (text, step) => text.Prompt.Length < LongPrompt || step % 8 == 0);
        await foreach (var (step, token) in forced)
        {
            Assert.Equal(step.Id, token.Token);
            worst = Math.Max(worst, GoldenRun.Difference(step, token));
        }
        output.WriteLine($"{model}: largest difference of a log-probability {worst:e2}");
        Assert.True(worst < 1e-3, $"largest difference {worst}");
    }

    [Theory]
    [MemberData(nameof(GoldenFile.LogProbModels), MemberType = typeof(GoldenFile))]
    public Task Cpu_GoldenPrefixes_GivesTransformersTokensWhereTheMarginIsClear(string model) =>
        Check(GoldenFile.Open(model), DeviceKind.Cpu);

    [Theory]
    [MemberData(nameof(GoldenFile.LogProbModels), MemberType = typeof(GoldenFile))]
    public Task Cuda_GoldenPrefixes_GivesTransformersTokensWhereTheMarginIsClear(string model)
    {
        Assert.SkipWhen(model == "tiny-phi3", "CUDA has kernels for heads of multiples of 8");
        var (device, problem) = DeviceProbe.Of(DeviceKind.Cuda);
        Assert.SkipWhen(device is null, problem);
        return Check(GoldenFile.Open(model), DeviceKind.Cuda);
    }

    // The prefixes above never grow past the border of the long rope while they run; this text
    // does.
    [Theory]
    [InlineData(DeviceKind.Reference, 1e-3)]
    [InlineData(DeviceKind.Cpu, 0.05)]
    public async Task LongRope_OutgrownWhileGenerating_GivesTransformersTokensAndLogProbs(
        DeviceKind device, double limit)
    {
        const int Border = 64; // of tiny-phi3
        var golden = GoldenFile.Open("tiny-phi3");
        var text = golden.Texts.Single(t =>
            t.Prompt.Length < Border && t.Prompt.Length + t.Steps.Length > Border + 10);
        using var engine = GoldenRun.Load(golden, device);
        var generation = GoldenRun.Submit(engine, text.Prompt, text.Steps.Length);
        var worst = 0.0;
        foreach (var step in text.Steps)
        {
            Assert.True(await generation.WaitAsync());
            Assert.True(generation.TryRead(out var token));
            Assert.Equal(step.Id, token.Token);
            worst = Math.Max(worst, GoldenRun.Difference(step, token));
        }
        Assert.True(worst < limit, $"largest difference {worst}");
    }

    [Fact]
    public Task Cpu_StorytellerPrefixes_GivesTransformersTokensWhereTheMarginIsClear() =>
        Check(GoldenFile.OpenStoryteller(), DeviceKind.Cpu, TrainedLimit);

    [Fact]
    public async Task Cpu_StorytellerAnswers_EqualTransformersUpToTheFirstCloseRace()
    {
        var golden = GoldenFile.OpenStoryteller();
        using var engine = GoldenRun.Load(golden, DeviceKind.Cpu);
        var running = new List<(int[] Expected, Generation Generation)>();
        foreach (var text in golden.Texts)
        {
            int[] clear = [.. text.Steps.TakeWhile(step => step.Margin > ClearMargin)
                .Select(step => step.Id)];
            if (clear.Length > 0)
            {
                running.Add((clear, GoldenRun.Submit(engine, text.Prompt, clear.Length)));
            }
        }
        Assert.True(running.Sum(answer => answer.Expected.Length) > 100);
        foreach (var (expected, generation) in running)
        {
            var tokens = new List<int>();
            while (await generation.WaitAsync())
            {
                Assert.True(generation.TryRead(out var token));
                tokens.Add(token.Token);
            }
            Assert.Equal(expected, tokens);
        }
    }

    // Of log-probabilities.
    private const double Limit = 0.05;

    // A trained model is surer of its tokens, and what feeds its products is rounded to bf16: 0.045
    // with bf16 dot products, 0.064 with AVX2 and AVX-512, which round their sums elsewhere.
    private const double TrainedLimit = 0.075;

    private async Task Check(GoldenFile golden, DeviceKind device, double limit = Limit)
    {
        var worst = 0.0;
        var steps = 0;
        var excluded = 0;
        await foreach (var (step, token) in GoldenRun.Force(golden, device, (_, _) => true))
        {
            steps++;
            worst = Math.Max(worst, GoldenRun.Difference(step, token));
            if (step.Margin <= ClearMargin)
            {
                excluded++;
                continue;
            }
            Assert.Equal(step.Id, token.Token);
        }
        output.WriteLine(
            $"{golden.ModelPath}: largest difference {worst:f4}; {excluded} of {steps} steps "
            + $"excluded for a margin under {ClearMargin}");
        Assert.True(worst < limit, $"largest difference {worst}");
        Assert.True(excluded * 20 < steps);
    }
}
