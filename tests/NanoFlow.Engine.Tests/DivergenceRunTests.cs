// A tiny model against itself and against another, window by window.

using NanoFlow.Engine.Evaluating;
using NanoFlow.Models;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine.Tests;

public sealed class DivergenceRunTests : IDisposable
{
    private const int Vocab = 1024;

    private static readonly EngineOptions Options = new() { BlockSize = 16, Threads = 2 };

    private readonly string _folder =
        Directory.CreateTempSubdirectory("nanoflow-divergence").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Chunks of 64 rows: windows that end within one, at its end, and one row into the next.
    [Theory]
    [InlineData(20, 0)]
    [InlineData(65, 0)]
    [InlineData(66, 0)]
    [InlineData(66, 1)]
    [InlineData(200, 3)]
    public void Run_ModelWithItself_IsExactlyZero(int window, int prefix)
    {
        var model = Random(seed: 1);
        using var run = DivergenceRun.Load(model, model, window);
        var windows = new TokenWindows(
            Tokens(150), [.. Enumerable.Range(1, prefix)], window);
        var seen = new List<(long Done, long Total)>();
        var summary = run.Run(windows, (done, total) => seen.Add((done, total)));

        Assert.Equal(windows.Predictions, summary.Predictions);
        Assert.Equal((0, 0), (summary.MeanKl, summary.MaxKl));
        Assert.Equal(summary.Predictions, summary.SameTop);
        Assert.Equal(summary.BaselinePerplexity, summary.Perplexity);
        Assert.Equal((summary.Predictions, summary.Predictions), seen[^1]);
    }

    // The same text again gives the same bits: nothing of one window is left in the next.
    [Fact]
    public void Run_AnotherModel_DivergesAndTheSameAgain()
    {
        using var run = DivergenceRun.Load(Random(seed: 1), Random(seed: 2), 100);
        var windows = new TokenWindows(Tokens(250), [], 100);
        var first = run.Run(windows);

        Assert.True(first.MeanKl > 0.1 && first.MaxKl >= first.Percentile99Kl);
        Assert.True(first.SameTop < first.Predictions);
        Assert.NotEqual(first.Perplexity, first.BaselinePerplexity);
        Assert.Equal(first, run.Run(windows));
    }

    // Sequences of tiny-phi3 are rotated in another way from 65 tokens on.
    [Theory]
    [InlineData("tiny-llama", 150)]
    [InlineData("tiny-phi3", 64)]
    [InlineData("tiny-phi3", 65)]
    [InlineData("tiny-phi3", 150)]
    public async Task Run_OneWindow_HasThePerplexityOfAScoredPrompt(string name, int count)
    {
        var tokens = Tokens(count);
        var model = name == "tiny-llama" ? Random(seed: 1) : Golden(name);
        using var run = DivergenceRun.Load(model, model, count);
        var summary = run.Run(new TokenWindows(tokens, [], count));

        using var engine = InferenceEngine.Load(model.Model, Options);
        var generation = new Generation(new GenerationRequest
        {
            Prompt = tokens,
            MaxNewTokens = 1,
            Sampling = SamplingParams.Greedy,
            PromptLogProbs = 0,
        });
        engine.TrySubmit(generation);
        await generation.ReadAll();
        var scores = generation.PromptScores!;
        var loss = Enumerable.Range(0, scores.Count).Average(i => -scores[i].LogProb);
        Assert.Equal(summary.Predictions, scores.Count);
        Assert.Equal(Math.Exp(loss), summary.Perplexity, 1e-4 * summary.Perplexity);
    }

    [Fact]
    public void Load_OtherVocabulary_IsRefused()
    {
        var model = Random(seed: 1);
        var error = Assert.Throws<ArgumentException>(() => DivergenceRun.Load(
            model with { Model = EngineModel.Echo(Vocab - 1) }, model, 64));

        Assert.Contains("1024 and 1023 tokens", error.Message, StringComparison.Ordinal);
    }

    private static int[] Tokens(int count)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(Vocab))];
    }

    private static EvaluatedModel Golden(string name)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "NanoFlow.sln")))
        {
            folder = folder.Parent!;
        }
        var path = Path.Combine(folder.FullName, "tests", "golden", name);
        return new EvaluatedModel(EngineModel.From(ModelFolder.Open(path)), Options);
    }

    private EvaluatedModel Random(ulong seed)
    {
        var path = Path.Combine(_folder, $"{seed}");
        if (!Directory.Exists(path))
        {
            RandomModel.Create(ModelShapes.Find("tiny-llama")!, path, seed);
        }
        return new EvaluatedModel(EngineModel.From(ModelFolder.Open(path)), Options);
    }
}
