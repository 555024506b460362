namespace NanoFlow.Engine;

/// <summary>Results of the step that completed last, copied out of the device's buffers; owned by
/// the engine's thread and overwritten by the next step.</summary>
internal sealed class StepResults(int maxSequences)
{
    private const int MaxTop = EngineLimits.LogProbs;

    public int Count { get; set; }

    /// <summary>One a sample; negative: no logit was finite.</summary>
    public int[] Tokens { get; } = new int[maxSequences];

    public float[] LogProbs { get; } = new float[maxSequences];

    /// <summary>[samples, MaxTop], best first.</summary>
    public int[] TopTokens { get; } = new int[maxSequences * MaxTop];

    public float[] TopLogProbs { get; } = new float[maxSequences * MaxTop];

    public long DeviceMicroseconds { get; set; }

    public void CopyTop(int sample, Span<TokenLogProb> top)
    {
        for (var i = 0; i < top.Length; i++)
        {
            var from = sample * MaxTop + i;
            top[i] = new TokenLogProb(TopTokens[from], TopLogProbs[from]);
        }
    }
}
