// The steps that were submitted and have not completed: at most two, completed in order. Of each it
// keeps whose token every sample is. Numbers count from 1 and never repeat.

namespace NanoFlow.Scheduling;

/// <summary>Whose a sample is.</summary>
/// <param name="Slot">The device slot it had in that step.</param>
/// <param name="IsScore">Of a prompt token; otherwise a token is drawn.</param>
internal readonly record struct StepSample(Sequence Sequence, int Slot, bool IsScore);

internal sealed class StepsInFlight
{
    public const int Limit = 2;

    private readonly StepSample[][] _samples; // by parity of the step
    private readonly int[] _counts = new int[Limit];

    public StepsInFlight(int maxSequences)
    {
        _samples = [new StepSample[maxSequences], new StepSample[maxSequences]];
    }

    public long LastSubmitted { get; private set; }

    public long LastCompleted { get; private set; }

    public int Count => (int)(LastSubmitted - LastCompleted);

    public long Submit()
    {
        LastSubmitted++;
        _counts[LastSubmitted & 1] = 0;
        return LastSubmitted;
    }

    /// <summary>The next sample of the step submitted last.</summary>
    public void AddSample(in StepSample sample)
    {
        ref var count = ref _counts[LastSubmitted & 1];
        _samples[LastSubmitted & 1][count++] = sample;
    }

    /// <summary>Whose the samples of the oldest step are.</summary>
    public ReadOnlySpan<StepSample> Complete(long step, int sampleCount)
    {
        if (Count == 0 || step != LastCompleted + 1)
        {
            throw new InvalidOperationException(
                $"Step {step} cannot complete; the next one is {LastCompleted + 1} of {Count}.");
        }
        var expected = _counts[step & 1];
        if (sampleCount != expected)
        {
            throw new ArgumentException($"Step {step} has {expected} samples, not {sampleCount}.");
        }
        LastCompleted = step;
        return _samples[step & 1].AsSpan(0, expected);
    }

    /// <summary>Lets go of the sequences of a completed step.</summary>
    public void Forget(long step) => Array.Clear(_samples[step & 1], 0, _counts[step & 1]);
}
