namespace NanoFlow.Planning.Analysis;

/// <summary>Requests with these mean lengths, in tokens.</summary>
public sealed record Workload(string Name, double Prompt, double Decode)
{
    /// <summary>Tokens that a decoding sequence attends, on average over its answer.</summary>
    public double MeanContext => Prompt + Decode / 2;

    /// <summary>Of all rows, in the steady state.</summary>
    public double DecodeShare => Decode / (Prompt + Decode);
}

/// <summary>What a step of so many rows is made of in the steady state.</summary>
public readonly record struct SteadyBatch(Workload Workload, double Rows)
{
    public double DecodeRows => Rows * Workload.DecodeShare;

    public double PrefillRows => Rows - DecodeRows;

    /// <summary>Tokens of the KV cache that the prefill reads: its own, and those before a prompt
    /// that the step before had to cut, half of it on average.</summary>
    public double PrefillKvTokens => PrefillRows > 0 ? PrefillRows + Workload.Prompt / 2 : 0;

    public StepMix Mix => new(
        (int)Rows, (int)Math.Round(DecodeRows), Math.Max(1, (int)Math.Round(Workload.MeanContext)));
}
