using NanoFlow.Scheduling;

namespace NanoFlow.Engine;

/// <summary>What is to be generated.</summary>
public sealed record GenerationRequest
{
    public required ReadOnlyMemory<int> Prompt { get; init; }

    /// <summary>0: only the prompt is computed, for its scores or its hidden states.</summary>
    public required int MaxNewTokens { get; init; }

    public SamplingParams Sampling { get; init; } = new();

    /// <summary>Alternatives reported with the log-probability of each token of the prompt; null:
    /// no scores of the prompt.</summary>
    public int? PromptLogProbs { get; init; }

    /// <summary>Which hidden state of the prompt is kept.</summary>
    public Pooling Pooling { get; init; }

    /// <summary>End tokens are ignored until so many tokens were generated.</summary>
    public int MinNewTokens { get; init; }

    public IReadOnlyList<int> EndTokens { get; init; } = [];

    /// <summary>Its own for every generation; called on the engine's thread.</summary>
    public IStopCondition? StopCondition { get; init; }

    /// <summary>Its own for every generation; called on the engine's thread.</summary>
    public ITokenConstraint? Constraint { get; init; }

    /// <summary>Refuses what would be an error of the whole step later.</summary>
    internal void Validate(EngineFacts facts)
    {
        var (vocabSize, maxModelLength) = (facts.VocabSize, facts.MaxModelLength);
        var tokens = (long)Prompt.Length + MaxNewTokens;
        if (tokens > maxModelLength)
        {
            throw new ArgumentException(
                $"Prompt and output are {tokens} tokens; the limit is {maxModelLength}.");
        }
        foreach (var token in Prompt.Span)
        {
            CheckToken(token, vocabSize, "prompt");
        }
        CheckSampling(vocabSize);
        CheckPrompt(facts.HiddenSize);
    }

    private void CheckPrompt(int hiddenSize)
    {
        if (PromptLogProbs is < 0 or > EngineLimits.LogProbs)
        {
            throw new ArgumentException(
                $"PromptLogProbs is {PromptLogProbs}; allowed are 0 to {EngineLimits.LogProbs}.");
        }
        var scores = PromptLogProbs is { } count ? Prompt.Length * (1L + count) : 0;
        if (scores > EngineLimits.PromptScores)
        {
            throw new ArgumentException(
                $"The prompt's tokens have {scores} scores and alternatives; the limit is "
                + $"{EngineLimits.PromptScores}.");
        }
        if (Pooling != Pooling.None && hiddenSize == 0)
        {
            throw new ArgumentException("The model has no hidden states to pool.");
        }
    }

    private void CheckSampling(int vocabSize)
    {
        if (Sampling.LogProbCount is < 0 or > EngineLimits.LogProbs)
        {
            throw new ArgumentException(
                $"LogProbCount is {Sampling.LogProbCount}; allowed are 0 to "
                + $"{EngineLimits.LogProbs}.");
        }
        if (Sampling.LogitBias.Count > EngineLimits.Bias)
        {
            throw new ArgumentException(
                $"LogitBias has {Sampling.LogitBias.Count} entries; the limit is "
                + $"{EngineLimits.Bias}.");
        }
        foreach (var bias in Sampling.LogitBias)
        {
            CheckToken(bias.Token, vocabSize, "logit bias");
        }
        foreach (var token in Sampling.AllowedTokens ?? [])
        {
            CheckToken(token, vocabSize, "allowed");
        }
    }

    private static void CheckToken(int token, int vocabSize, string what)
    {
        if ((uint)token >= (uint)vocabSize)
        {
            throw new ArgumentException(
                $"{what} token {token} is outside the vocabulary of {vocabSize}.");
        }
    }
}
