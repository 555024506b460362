// The tokens of one request in the engine, and where the scheduler stands with them.
//
// Positions. [0, Computed) have rows in submitted steps, [0, TokenCount) are known on the host,
// and Pending tokens after those will be sampled by steps in flight:
//     Computed <= TokenCount + Pending        at any time
//     Computed == TokenCount + Pending - 1    while it decodes
// The token sampled last has no row yet; the next decode row computes it.

namespace NanoFlow.Scheduling;

public enum SequenceState
{
    /// <summary>Not yet given to a scheduler.</summary>
    Created,

    /// <summary>In the queue: not yet admitted, or preempted.</summary>
    Waiting,

    /// <summary>Holds a slot and KV pages.</summary>
    Running,

    Finished,
}

/// <summary>Which hidden state of a prompt is kept, after the last norm.</summary>
public enum Pooling
{
    None,

    /// <summary>Of the first token.</summary>
    First,

    /// <summary>Of the last token.</summary>
    Last,

    /// <summary>The mean of all tokens.</summary>
    Mean,
}

/// <summary>The tokens of one request in the engine. Created by the request's thread, which
/// allocates what most answers need; from Enqueue on it belongs to the scheduler's
/// thread.</summary>
public sealed class Sequence
{
    /// <summary>New tokens that have room from the start. The limit of a request may be a whole
    /// context, half a megabyte of mostly unused tokens for every sequence that waits.</summary>
    public const int FirstNewTokens = 256;

    // Doubles when an answer turns out long. A reader may go on with the old one: what was
    // committed there does not change.
    private int[] _tokens;
    private readonly int _limit;

    public Sequence(ReadOnlySpan<int> prompt, int maxNewTokens, SamplingParams sampling)
    {
        ArgumentOutOfRangeException.ThrowIfZero(prompt.Length);
        ArgumentOutOfRangeException.ThrowIfNegative(maxNewTokens);
        _limit = checked(prompt.Length + maxNewTokens);
        _tokens = new int[prompt.Length + Math.Min(maxNewTokens, FirstNewTokens)];
        prompt.CopyTo(_tokens);
        PromptLength = prompt.Length;
        TokenCount = prompt.Length;
        MaxNewTokens = maxNewTokens;
        Sampling = sampling;
    }

    public int PromptLength { get; }
    /// <summary>0: it ends when its prompt is computed.</summary>
    public int MaxNewTokens { get; }

    public SamplingParams Sampling { get; }

    /// <summary>End tokens are ignored until so many tokens were generated.</summary>
    public int MinNewTokens { get; init; }

    /// <summary>Tokens that end the sequence; empty to run to the limit.</summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];

    public IStopCondition? StopCondition { get; init; }
    public ISequenceListener? Listener { get; init; }

    /// <summary>Every token of the prompt but the first is scored, with so many alternatives; null:
    /// none is.</summary>
    public int? PromptLogProbs { get; init; }

    public Pooling Pooling { get; init; }

    /// <summary>What its tokens must keep to; null: nothing.</summary>
    public ITokenConstraint? Constraint { get; init; }

    public SequenceState State { get; internal set; }

    /// <summary>Null until it is finished.</summary>
    public FinishReason? FinishReason { get; internal set; }

    /// <summary>Prompt and committed tokens.</summary>
    public int TokenCount { get; internal set; }

    public int NewTokenCount => TokenCount - PromptLength;
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, TokenCount);

    /// <summary>A prompt token, or one that the calling thread knows was committed; on any thread.
    /// </summary>
    public int TokenAt(int position) => _tokens[position];

    /// <summary>Order of arrival at the scheduler.</summary>
    internal long Arrival { get; set; }

    /// <summary>Device slot while running; -1 otherwise.</summary>
    internal int Slot { get; set; } = -1;

    internal int Computed { get; set; }

    /// <summary>Below it the rows are prefill: the tokens that were known when it was admitted, or
    /// when it started again.</summary>
    internal int PrefillEnd { get; set; }

    internal int Pending { get; set; }

    /// <summary>Scores of prompt tokens that were delivered; those in flight follow them.</summary>
    internal int ScoredCount { get; set; }

    internal int PendingScores { get; set; }

    /// <summary>Prompt rows below it have a next token to score.</summary>
    internal int ScoreEnd => PromptLogProbs is null ? 0 : PromptLength - 1;

    /// <summary>Its next row scores. False for rows that were scored before a preemption.</summary>
    internal bool ScoresNext => Computed >= ScoredCount && Computed < ScoreEnd;

    /// <summary>Tokens that are drawn: one even where none is wanted, to tell that the prompt was
    /// computed.</summary>
    internal int DrawLimit => Math.Max(1, MaxNewTokens);

    /// <summary>KV pages held.</summary>
    internal int PageCount { get; set; }

    /// <summary>Number of the last step that names it; 0: none since it was admitted or started
    /// again.</summary>
    internal long LastStep { get; set; }

    /// <summary>Rows it gets in the step that is being scheduled.</summary>
    internal int PlannedRows { get; set; }

    internal bool ResetsSlot { get; set; }

    /// <summary>What its pages hold is rotated as in long sequences.</summary>
    internal bool HasLongRope { get; set; }

    /// <summary>Links of the <see cref="SequenceQueue"/> it waits in.</summary>
    internal Sequence? Next { get; set; }

    internal Sequence? Previous { get; set; }

    internal bool IsDecoding => Computed >= PrefillEnd;

    /// <summary>Tokens without a row that may get one. A sequence whose limit is reached once the
    /// steps in flight complete gets no more, so that ending by length wastes nothing.</summary>
    internal int RowsLeft =>
        NewTokenCount + Pending >= DrawLimit ? 0 : TokenCount + Pending - Computed;

    internal void Append(int token)
    {
        if (TokenCount == _tokens.Length)
        {
            Array.Resize(ref _tokens, (int)Math.Min(2L * TokenCount, _limit));
        }
        _tokens[TokenCount++] = token;
    }

    internal bool IsEndToken(int token)
    {
        if (NewTokenCount < MinNewTokens)
        {
            return false;
        }
        for (var i = 0; i < EndTokens.Count; i++)
        {
            if (EndTokens[i] == token)
            {
                return true;
            }
        }
        return false;
    }
}
