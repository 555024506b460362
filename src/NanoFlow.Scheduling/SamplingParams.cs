namespace NanoFlow.Scheduling;

/// <summary>How the tokens of one sequence are drawn. Immutable; ranges are checked where a request
/// is parsed. The meaning of each value is that of <c>nf_sampling</c> in nanoflow.h.</summary>
public sealed record SamplingParams
{
    public static readonly SamplingParams Greedy = new() { Temperature = 0 };

    public float Temperature { get; init; } = 1;
    public float TopP { get; init; } = 1;
    public float MinP { get; init; }
    public int TopK { get; init; }
    public float RepetitionPenalty { get; init; } = 1;
    public float PresencePenalty { get; init; }
    public float FrequencyPenalty { get; init; }

    /// <summary>With a token's position it fixes the random number.</summary>
    public ulong Seed { get; init; }

    /// <summary>Alternatives reported with each token; null: no log-probabilities at all.</summary>
    public int? LogProbCount { get; init; }

    /// <summary>Added to the logits; at most NF_MAX_BIAS entries with distinct tokens.</summary>
    public IReadOnlyList<TokenBias> LogitBias { get; init; } = [];

    /// <summary>Only these tokens may be drawn; null: all of them.</summary>
    public IReadOnlyList<int>? AllowedTokens { get; init; }

    public bool HasPenalties =>
        RepetitionPenalty != 1 || PresencePenalty != 0 || FrequencyPenalty != 0;
}

public readonly record struct TokenBias(int Token, float Bias);
