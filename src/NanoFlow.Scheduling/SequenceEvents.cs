namespace NanoFlow.Scheduling;

public enum FinishReason
{
    /// <summary>An end token, a stop token or a stop string.</summary>
    Stop,

    /// <summary>The token limit of the request or of the model.</summary>
    Length,

    /// <summary>The client went away or asked for it.</summary>
    Cancelled,

    /// <summary>The device could not produce a token for it.</summary>
    Error,
}

/// <summary>Who is told what became of a sequence. Called on the engine thread; must
/// neither block nor call the scheduler.</summary>
public interface ISequenceListener
{
    /// <summary>It left the queue and runs; again after it was preempted.</summary>
    void OnAdmitted(Sequence sequence);

    /// <summary>The next token of the prompt was scored: once for each but the first, in order,
    /// before any token is committed. <paramref name="sample"/> is its index in the step's
    /// results.</summary>
    void OnPromptScore(Sequence sequence, int sample);

    /// <summary>The prompt of a sequence that pools was computed: its state can be read from the
    /// device slot, during this call only.</summary>
    void OnPooled(Sequence sequence, int slot);

    /// <summary>A token was committed. <paramref name="sample"/> is its index in the step's
    /// results; <paramref name="isEnd"/>: one of the sequence's end tokens, counted but not part of
    /// the text. The token that completes a stop string is none: its text may begin before the
    /// stop.</summary>
    void OnToken(Sequence sequence, int token, int sample, bool isEnd);

    /// <summary>Called exactly once, after the last token.</summary>
    void OnFinished(Sequence sequence, FinishReason reason);
}

/// <summary>Decides on the text whether a sequence ends. Called on the engine thread once a token,
/// in order, before the token is committed, except for end tokens; must not allocate.</summary>
public interface IStopCondition
{
    /// <summary>True when this token completes a stop string.</summary>
    bool Append(int token);
}
