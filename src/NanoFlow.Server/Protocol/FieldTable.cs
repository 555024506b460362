// The one table of request fields with a range: name, lowest and highest value, default. Parsing
// and messages both read it, so what is refused and what the message says cannot differ. Without a
// default in its row, a field is off, or the model's author or the context decides.

using System.Globalization;

namespace NanoFlow.Server.Protocol;

/// <param name="AboveMin">Min itself is not allowed.</param>
internal sealed record RealField(string Name, double Min, double Max, bool AboveMin = false)
{
    /// <summary>When neither the request nor the model's author says otherwise.</summary>
    public double Default { get; init; }

    public string Range => string.Create(
        CultureInfo.InvariantCulture,
        $"a number {(AboveMin ? "above" : "from")} {Min} "
        + $"{(AboveMin ? "and at most" : "to")} {Max}");

    public bool Allows(double value) =>
        double.IsFinite(value) && value <= Max && (AboveMin ? value > Min : value >= Min);
}

internal sealed record IntegerField(string Name, long Min, long Max)
{
    /// <summary>When the request does not say otherwise.</summary>
    public long Default { get; init; }

    public string Range => string.Create(
        CultureInfo.InvariantCulture, $"an integer from {Min} to {Max}");

    public bool Allows(long value) => value >= Min && value <= Max;
}

internal sealed record FlagField(string Name, bool Default);

/// <summary>One of a few words.</summary>
internal sealed record WordField(string Name, IReadOnlyList<string> Words)
{
    public string Range => "one of " + string.Join(", ", Words);
}

internal static class FieldTable
{
    public static readonly RealField Temperature = new("temperature", 0, 2) { Default = 1 };
    public static readonly RealField TopP = new("top_p", 0, 1, AboveMin: true) { Default = 1 };
    public static readonly RealField MinP = new("min_p", 0, 1);
    public static readonly RealField PresencePenalty = new("presence_penalty", -2, 2);
    public static readonly RealField FrequencyPenalty = new("frequency_penalty", -2, 2);

    // Logits are divided by it; 1 is off. Outside this range a model only repeats or stutters.
    public static readonly RealField RepetitionPenalty =
        new("repetition_penalty", 0.01, 100) { Default = 1 };
    public static readonly RealField Bias = new("logit_bias", -100, 100);

    // -1 and 0 are off. The upper end is above any vocabulary.
    public static readonly IntegerField TopK = new("top_k", -1, 1 << 22);

    // The upper ends of these three are those of RequestCaps.
    public static readonly IntegerField N = new("n", 1, ServerLimits.MaxChoices) { Default = 1 };
    public static readonly IntegerField LogProbs = new("logprobs", 0, ServerLimits.MaxLogProbs);
    public static readonly IntegerField TopLogProbs =
        new("top_logprobs", 0, ServerLimits.MaxLogProbs);

    // vLLM's name; its -1, the whole vocabulary for every token, is refused.
    public static readonly IntegerField PromptLogProbs =
        new("prompt_logprobs", 0, ServerLimits.MaxLogProbs);

    // Of an embedding; its upper end is that of the model.
    public static readonly IntegerField Dimensions = new("dimensions", 1, int.MaxValue);
    public static readonly WordField EncodingFormat = new("encoding_format", ["float", "base64"]);

    // OpenAI's default in completions, which have no "as long as it takes"; chat has no default.
    public static readonly IntegerField MaxTokens =
        new("max_tokens", 1, int.MaxValue) { Default = 16 };
    public static readonly IntegerField MaxCompletionTokens =
        new("max_completion_tokens", 1, int.MaxValue);
    public static readonly IntegerField MaxOutputTokens =
        new("max_output_tokens", 1, int.MaxValue);
    public static readonly IntegerField MinTokens = new("min_tokens", 0, int.MaxValue);
    public static readonly IntegerField Seed = new("seed", long.MinValue, long.MaxValue);

    // -1 is what the context has room for.
    public static readonly IntegerField TruncatePromptTokens =
        new("truncate_prompt_tokens", -1, int.MaxValue);
    public static readonly WordField TruncationSide = new("truncation_side", ["left", "right"]);
    public static readonly IntegerField Priority = new("priority", int.MinValue, int.MaxValue);

    public static readonly FlagField Stream = new("stream", false);
    public static readonly FlagField IncludeUsage = new("include_usage", false);
    public static readonly FlagField ContinuousUsage = new("continuous_usage_stats", false);
    public static readonly FlagField Echo = new("echo", false);
    public static readonly FlagField ChatLogProbs = new("logprobs", false);
    public static readonly FlagField IgnoreEos = new("ignore_eos", false);
    public static readonly FlagField IncludeStop = new("include_stop_str_in_output", false);
    public static readonly FlagField SkipSpecialTokens = new("skip_special_tokens", true);

    // No tokenizer here puts spaces there, so both values mean the same.
    public static readonly FlagField SpacesBetweenSpecialTokens =
        new("spaces_between_special_tokens", true);
    public static readonly FlagField ReturnTokenIds = new("return_token_ids", false);
    public static readonly FlagField TokensAsTokenIds =
        new("return_tokens_as_token_ids", false);

    // A template writes its own special tokens, so the default is false in chat.
    public static readonly FlagField AddSpecialTokens = new("add_special_tokens", true);
    public static readonly FlagField AddGenerationPrompt = new("add_generation_prompt", true);
    public static readonly FlagField ContinueFinalMessage =
        new("continue_final_message", false);

    // The words of OpenAI; what a template makes of them is its own business.
    public static readonly WordField ReasoningEffort = new(
        "reasoning_effort", ["none", "minimal", "low", "medium", "high", "xhigh", "max"]);
}
