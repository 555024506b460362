// The one table of numeric request fields: name, lowest and highest value. Parsing and messages
// both read it, so what is refused and what the message says cannot differ.

using System.Globalization;

namespace NanoFlow.Server.Protocol;

/// <param name="AboveMin">Min itself is not allowed.</param>
internal sealed record RealField(string Name, double Min, double Max, bool AboveMin = false)
{
    public string Range => string.Create(
        CultureInfo.InvariantCulture,
        $"a number {(AboveMin ? "above" : "from")} {Min} "
        + $"{(AboveMin ? "and at most" : "to")} {Max}");

    public bool Allows(double value) =>
        double.IsFinite(value) && value <= Max && (AboveMin ? value > Min : value >= Min);
}

internal sealed record IntegerField(string Name, long Min, long Max)
{
    public string Range => string.Create(
        CultureInfo.InvariantCulture, $"an integer from {Min} to {Max}");

    public bool Allows(long value) => value >= Min && value <= Max;
}

internal static class FieldTable
{
    public static readonly RealField Temperature = new("temperature", 0, 2);
    public static readonly RealField TopP = new("top_p", 0, 1, AboveMin: true);
    public static readonly RealField MinP = new("min_p", 0, 1);
    public static readonly RealField PresencePenalty = new("presence_penalty", -2, 2);
    public static readonly RealField FrequencyPenalty = new("frequency_penalty", -2, 2);

    // Logits are divided by it; 1 is off. Outside this range a model only repeats or stutters.
    public static readonly RealField RepetitionPenalty = new("repetition_penalty", 0.01, 100);
    public static readonly RealField Bias = new("logit_bias", -100, 100);

    // -1 and 0 are off. The upper end is above any vocabulary.
    public static readonly IntegerField TopK = new("top_k", -1, 1 << 22);

    // The caps of n follow from advisories about servers that had none.
    public static readonly IntegerField N = new("n", 1, 16);
    public static readonly IntegerField MaxTokens = new("max_tokens", 1, int.MaxValue);
    public static readonly IntegerField MaxCompletionTokens =
        new("max_completion_tokens", 1, int.MaxValue);
    public static readonly IntegerField MinTokens = new("min_tokens", 0, int.MaxValue);
    public static readonly IntegerField Seed = new("seed", long.MinValue, long.MaxValue);
    public static readonly IntegerField LogProbs = new("logprobs", 0, ServerLimits.MaxLogProbs);
    public static readonly IntegerField TopLogProbs =
        new("top_logprobs", 0, ServerLimits.MaxLogProbs);
}
