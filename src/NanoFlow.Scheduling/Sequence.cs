namespace NanoFlow.Scheduling;

public enum SequenceState
{
    Waiting,
    Running,
    Finished,
}

/// <summary>The tokens of one request in the engine. Created by the request's thread, which
/// allocates everything it will need; from Enqueue on it belongs to the scheduler's
/// thread.</summary>
public sealed class Sequence
{
    private readonly int[] _tokens;

    public Sequence(ReadOnlySpan<int> prompt, int maxNewTokens, SamplingParams sampling)
    {
        ArgumentOutOfRangeException.ThrowIfZero(prompt.Length);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxNewTokens, 1);
        _tokens = new int[prompt.Length + maxNewTokens];
        prompt.CopyTo(_tokens);
        PromptLength = prompt.Length;
        TokenCount = prompt.Length;
        MaxNewTokens = maxNewTokens;
        Sampling = sampling;
    }

    public int PromptLength { get; }
    public int MaxNewTokens { get; }
    public SamplingParams Sampling { get; }

    /// <summary>End tokens are ignored until so many tokens were generated.</summary>
    public int MinNewTokens { get; init; }

    /// <summary>Tokens that end the sequence; empty to run to the limit.</summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];

    public IStopCondition? StopCondition { get; init; }
    public ISequenceListener? Listener { get; init; }

    public SequenceState State { get; internal set; }

    /// <summary>Prompt and committed tokens.</summary>
    public int TokenCount { get; internal set; }

    public int NewTokenCount => TokenCount - PromptLength;
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, TokenCount);

    internal void Append(int token) => _tokens[TokenCount++] = token;
}
