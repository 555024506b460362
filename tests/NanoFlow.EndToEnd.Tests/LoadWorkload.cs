// Requests of all sorts, the same in every run: prompts of token ids from one token to many, short
// and long answers, greedy and sampled, with and without penalties and log-probabilities.

using System.Globalization;

namespace NanoFlow.EndToEnd.Tests;

/// <param name="VocabSize">Prompts use ids below it.</param>
public sealed record LoadShape(int VocabSize, int MaxPrompt, int MaxNew, int MinNew = 1)
{
    public static LoadShape TinyLlama { get; } = new(1000, 200, 48);

    public static LoadShape SmolLm { get; } = new(49000, 256, 96);
}

public static class LoadWorkload
{
    private const int Kinds = 5;

    public static string TinyLlama { get; } =
        Path.Combine(NanoFlowProcess.Repository, "tests", "golden", "tiny-llama");

    public static LoadRequest[] Create(int seed, int count, LoadShape shape)
    {
        var random = new Random(seed);
        var requests = new LoadRequest[count];
        for (var i = 0; i < count; i++)
        {
            requests[i] = new LoadRequest(
                Prompt(random, Length(random, shape.MaxPrompt), shape.VocabSize),
                Math.Max(shape.MinNew, Length(random, shape.MaxNew)),
                Sampling(i, random.Next()));
        }

        return requests;
    }

    /// <summary>A greedy request that runs to its limit.</summary>
    public static LoadRequest Long(int seed, int maxTokens) => new(
        Prompt(new Random(seed), 8, LoadShape.TinyLlama.VocabSize),
        maxTokens,
        ",\"temperature\":0,\"ignore_eos\":true");

    private static int[] Prompt(Random random, int length, int vocabSize)
    {
        var prompt = new int[length];
        for (var i = 0; i < length; i++)
        {
            prompt[i] = random.Next(vocabSize);
        }

        return prompt;
    }

    // Short ones are as frequent as those ten times as long.
    private static int Length(Random random, int max) =>
        Math.Min(max, (int)Math.Exp(random.NextDouble() * Math.Log(max + 1)));

    private static string Sampling(int index, int seed)
    {
        var drawn = string.Create(
            CultureInfo.InvariantCulture, $",\"temperature\":0.8,\"seed\":{seed}");
        return (index % Kinds) switch
        {
            0 => ",\"temperature\":0,\"ignore_eos\":true",
            1 => drawn + ",\"top_p\":1",
            2 => drawn + ",\"top_p\":0.9,\"top_k\":40,\"logprobs\":2",
            3 => drawn + ",\"min_p\":0.05,\"frequency_penalty\":0.5,\"ignore_eos\":true",
            _ => ",\"temperature\":0,\"repetition_penalty\":1.3,\"logprobs\":0",
        };
    }
}
