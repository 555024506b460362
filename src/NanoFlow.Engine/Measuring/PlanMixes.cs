using NanoFlow.Planning;

namespace NanoFlow.Engine.Measuring;

/// <summary>The mixes that plans are searched for where none are named: prefill alone, decode
/// alone and both, each with a short and a long context.</summary>
public static class PlanMixes
{
    private const int ShortContext = 512;
    private const int LongContext = 4096;

    // Decode rows of a busy server; more do not change what bounds a step of a CPU. On a GPU the
    // weights are read for so many rows before arithmetic takes as long.
    private const int DecodeRows = 64;
    private const int GpuDecodeRows = 256;

    public static IReadOnlyList<StepMix> Default(BenchLimits limits, bool isGpu = false)
    {
        var mixes = new List<StepMix>();
        var rows = Math.Min(limits.Rows, limits.Context); // a prompt is no longer
        foreach (var wanted in (int[])[ShortContext, LongContext])
        {
            var context = Math.Min(wanted, limits.Context);
            var decode = Math.Min(
                Math.Min(isGpu ? GpuDecodeRows : DecodeRows, limits.Sequences - 1),
                (int)Math.Min(int.MaxValue, limits.KvTokens / (context + limits.PageTokens)) - 1);
            mixes.Add(new StepMix(rows, 0, Math.Max(context, rows)));
            if (decode > 0)
            {
                mixes.Add(new StepMix(decode, decode, context));
                mixes.Add(new StepMix(rows, Math.Min(decode, rows), context));
            }
        }
        return [.. mixes.Distinct().Where(limits.Hold)];
    }
}
