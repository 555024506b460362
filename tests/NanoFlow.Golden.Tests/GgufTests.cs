// A GGUF file of unchanged weights computes what the folder computes, bit by bit: the same numbers
// are packed, whatever order they were stored in.

using NanoFlow.Engine;
using NanoFlow.Models;

namespace NanoFlow.Golden.Tests;

public sealed class GgufTests
{
    private const int NewTokens = 12;

    [Theory]
    [InlineData("tiny-llama")]
    [InlineData("tiny-llama-bias")]
    [InlineData("tiny-mistral")]
    [InlineData("tiny-qwen3")]
    public async Task Gguf_OfAFolder_GivesTheSameTokensAndLogProbs(string model)
    {
        var golden = GoldenFile.Open(model);
        var folder = Directory.CreateTempSubdirectory("nanoflow-gguf-tests-").FullName;
        try
        {
            var path = Path.Combine(folder, $"{model}.gguf");
            GgufCopy.Write(ModelFolder.Open(golden.ModelPath), path);

            var expected = await Generate(golden, golden.ModelPath);

            Assert.Equal(expected, await Generate(golden, path));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<List<(int Token, float? LogProb)>> Generate(
        GoldenFile golden, string path)
    {
        using var engine = GoldenRun.Load(path, DeviceKind.Cpu);
        var results = new List<(int, float?)>();
        foreach (var text in golden.Texts)
        {
            var generation = GoldenRun.Submit(engine, text.Prompt, NewTokens);
            while (await generation.WaitAsync())
            {
                Assert.True(generation.TryRead(out var token));
                results.Add((token.Token, token.LogProb));
            }
        }
        Assert.True(results.Count > NewTokens);
        return results;
    }
}
