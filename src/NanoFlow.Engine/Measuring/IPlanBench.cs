using NanoFlow.Planning;

namespace NanoFlow.Engine.Measuring;

/// <summary>A device with a model, on which plans and single nano-ops are timed while nobody is
/// served: the native engine, or a test's device in virtual time. One thread.</summary>
public interface IPlanBench : IDisposable
{
    GraphFacts Graph { get; }

    DeviceFacts Device { get; }

    BenchLimits Limits { get; }

    /// <summary>Lowers a plan.</summary>
    /// <exception cref="EngineException">It does not cover the graph, or does not fit the
    /// device.</exception>
    IBenchProgram Open(Plan plan);

    /// <summary>Does the device cut its units like that? What it can do is known only when it is
    /// asked.</summary>
    bool CanOpen(Plan plan)
    {
        try
        {
            Open(plan).Dispose();
            return true;
        }
        catch (EngineException)
        {
            return false;
        }
    }
}

/// <summary>What steps a bench can run.</summary>
/// <param name="Rows">Of a step.</param>
/// <param name="Sequences">Of a step.</param>
/// <param name="Context">Longest sequence, in tokens.</param>
/// <param name="KvTokens">Of all sequences of a step together.</param>
/// <param name="PageTokens">Sequences take whole pages of this size.</param>
public sealed record BenchLimits(
    int Rows, int Sequences, int Context, long KvTokens, int PageTokens)
{
    /// <summary>Does a step of this mix fit?</summary>
    public bool Hold(StepMix mix)
    {
        var reached = Math.Max(mix.Context, mix.PrefillRows);
        var tokens = (long)mix.DecodeRows * Whole(mix.Context)
            + (mix.PrefillRows > 0 ? Whole(reached) : 0);
        return mix.Rows >= 1 && mix.Rows <= Rows && mix.SequenceCount <= Sequences
            && reached <= Context && tokens <= KvTokens;
    }

    private long Whole(int tokens) => (tokens + PageTokens - 1L) / PageTokens * PageTokens;
}

/// <summary>A lowered plan on a bench. Times in microseconds.</summary>
public interface IBenchProgram : IDisposable
{
    /// <summary>Runs one step; its time on the device.</summary>
    double RunStep(StepMix mix);

    /// <summary>Runs nano-ops of the plan again and again, at the same time, each on its own lane,
    /// until each has run for this long and three times at least.</summary>
    /// <param name="nanoOps">Indices in the plan, each on another lane, each with rows in a step of
    /// the mix.</param>
    /// <returns>The median time of each.</returns>
    double[] Measure(StepMix mix, ReadOnlySpan<int> nanoOps, TimeSpan minimum);

    /// <summary>Runs one step and says when each nano-op ran.</summary>
    IReadOnlyList<TimelineSpan> Trace(StepMix mix);
}
