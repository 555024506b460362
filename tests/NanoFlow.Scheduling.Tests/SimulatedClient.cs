using NanoFlow.Scheduling;

namespace NanoFlow.Scheduling.Tests;

/// <summary>One request of the simulation: what it was told, and what the device knows of
/// it.</summary>
internal sealed class SimulatedClient : ISequenceListener
{
    private readonly List<int> _tokens = [];
    private readonly List<int> _scores = [];
    private int _pooled;
    private FinishReason? _reason;

    public SimulatedClient(SequenceSpec spec, Fault fault)
    {
        Spec = spec;
        Sequence = new Sequence(spec.Prompt, spec.MaxNewTokens, SamplingParams.Greedy)
        {
            MinNewTokens = spec.MinNewTokens,
            EndTokens = fault.OnEndTokens(spec.EndTokens),
            PromptLogProbs = spec.IsScored ? 0 : null,
            Pooling = spec.Pooling,
            StopCondition = spec.StopPair is { } pair ? new PairStop(pair) : null,
            Listener = this,
        };
    }

    public SequenceSpec Spec { get; }

    public Sequence Sequence { get; }

    public bool IsFinished => _reason is not null;

    public bool WasCancelled { get; private set; }

    // The device's view, kept by StepChecker.
    public int[] Pages { get; set; } = [];
    public int Slot { get; set; } = -1;
    public int Computed { get; set; }
    public int Sampled { get; set; }
    public int Scored { get; set; }
    public bool HasLongRope { get; set; }
    public long LastStep { get; set; }

    /// <summary>Called before the scheduler is told.</summary>
    public void Cancel() => WasCancelled |= !IsFinished;

    public void OnAdmitted(Sequence sequence)
    {
        Violation.If(IsFinished, "admitted after the end");
        Violation.If(Slot >= 0 && Sampled > sequence.NewTokenCount, "admitted too early");
    }

    /// <summary>Results of the step that completes.</summary>
    public int[] Results { get; set; } = [];

    public void OnPromptScore(Sequence sequence, int sample)
    {
        Violation.If(IsFinished, "a score after the end");
        Violation.If(_tokens.Count > 0, "a score after a token");
        _scores.Add(Results[sample]);
    }

    public void OnPooled(Sequence sequence, int slot)
    {
        Violation.If(IsFinished || _tokens.Count > 0, "pooled too late");
        Violation.If(slot != Slot, "pooled in another slot");
        _pooled++;
    }

    public void OnToken(Sequence sequence, int token, int sample, bool isEnd)
    {
        Violation.If(IsFinished, "a token after the end");
        Violation.If(sequence != Sequence, "told of another sequence");
        _tokens.Add(token);
    }

    public void OnFinished(Sequence sequence, FinishReason reason)
    {
        Violation.If(IsFinished, "finished twice");
        _reason = reason;
    }

    /// <summary>Compares with the same request generated alone.</summary>
    public void CheckOutcome()
    {
        var expected = Expected.Of(Spec);
        if (WasCancelled)
        {
            Violation.If(_reason != FinishReason.Cancelled, $"cancelled, but {_reason}");
            Violation.If(
                !expected.Tokens.Take(_tokens.Count).SequenceEqual(_tokens),
                "tokens before the cancel differ");
            Violation.If(
                !expected.Scores.Take(_scores.Count).SequenceEqual(_scores),
                "scores before the cancel differ");
            return;
        }
        Violation.If(_reason != expected.Reason, $"{_reason} instead of {expected.Reason}");
        Violation.If(!_tokens.SequenceEqual(expected.Tokens), "tokens differ");
        Violation.If(!_scores.SequenceEqual(expected.Scores), "scores differ");
        var isError = expected.Reason == FinishReason.Error && _tokens.Count == 0;
        var pools = Spec.Pooling != Pooling.None && !isError;
        Violation.If(_pooled != (pools ? 1 : 0), "pooled not once");
        var wasted = Sampled - Math.Max(_tokens.Count, 1);
        Violation.If(_reason == FinishReason.Length && wasted > 0, "wasted a token by length");
        Violation.If(_reason == FinishReason.Stop && wasted > 1, "wasted more than one token");
    }
}

/// <summary>A rule of the simulation was broken.</summary>
internal sealed class Violation(string message) : Exception(message)
{
    public static void If(bool broken, string message)
    {
        if (broken)
        {
            throw new Violation(message);
        }
    }
}
