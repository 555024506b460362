// What a request for text asks for, apart from its prompt: the fields that completions and chat
// share, parsed and within their ranges. Where a request is silent, the model author's defaults
// hold, then the API's.

using System.Text.Json;
using NanoFlow.Models;
using NanoFlow.Scheduling;

namespace NanoFlow.Server.Protocol;

internal sealed record GenerationSettings
{
    /// <summary>Without a seed: each choice gets its own.</summary>
    public required SamplingParams Sampling { get; init; }

    public ulong? Seed { get; init; }

    /// <summary>Choices per prompt.</summary>
    public required int N { get; init; }

    public required int MinTokens { get; init; }
    public bool IgnoreEos { get; init; }
    public required IReadOnlyList<string> StopStrings { get; init; }
    public required IReadOnlyList<int> StopTokens { get; init; }
    public bool IncludeStopString { get; init; }
    public required StreamSettings Stream { get; init; }

    public static GenerationSettings Parse(RequestFields fields, ServedModel model)
    {
        RefuseUnsupported(fields);
        return new GenerationSettings
        {
            Sampling = ParseSampling(fields, model),
            Seed = (ulong?)fields.Integer(FieldTable.Seed),
            N = (int)(fields.Integer(FieldTable.N) ?? 1),
            MinTokens = (int)(fields.Integer(FieldTable.MinTokens) ?? 0),
            IgnoreEos = fields.Bool("ignore_eos") ?? false,
            StopStrings = StopFields.Strings(fields),
            StopTokens = StopFields.Tokens(fields, model.VocabSize),
            IncludeStopString = fields.Bool("include_stop_str_in_output") ?? false,
            Stream = StreamSettings.Parse(fields),
        };
    }

    private static SamplingParams ParseSampling(RequestFields fields, ServedModel model)
    {
        var author = model.Defaults;
        var temperature = fields.Real(FieldTable.Temperature)
            ?? (author.Greedy ? 0 : author.Temperature ?? 1);
        var topK = fields.Integer(FieldTable.TopK) ?? author.TopK ?? 0;
        return new SamplingParams
        {
            Temperature = (float)temperature,
            TopP = (float)(fields.Real(FieldTable.TopP) ?? author.TopP ?? 1),
            MinP = (float)(fields.Real(FieldTable.MinP) ?? 0),
            TopK = (int)Math.Clamp(topK, 0, model.VocabSize),
            RepetitionPenalty = (float)(fields.Real(FieldTable.RepetitionPenalty)
                ?? author.RepetitionPenalty ?? 1),
            PresencePenalty = (float)(fields.Real(FieldTable.PresencePenalty) ?? 0),
            FrequencyPenalty = (float)(fields.Real(FieldTable.FrequencyPenalty) ?? 0),
            LogitBias = BiasField.Parse(fields, model.VocabSize),
        };
    }

    private static void RefuseUnsupported(RequestFields fields)
    {
        foreach (var (name, message) in Unsupported)
        {
            if (fields.TryGet(name, out var value) && !IsEmpty(value))
            {
                throw new RequestRefusedException(ApiError.NotSupported(name, message));
            }
        }

        if (fields.TryGet("response_format", out var format))
        {
            var type = new RequestFields(format, "response_format").Text("type");
            if (type != "text")
            {
                throw new RequestRefusedException(ApiError.NotSupported(
                    "response_format", "only response_format {\"type\":\"text\"} is supported"));
            }
        }

        // Identifies the end user to OpenAI; means nothing here and is no surprise when dropped.
        fields.TryGet("user", out _);
    }

    // What would change the answer must not be dropped in silence.
    private static readonly (string Name, string Message)[] Unsupported =
    [
        ("best_of", "best_of is not supported; ask for n choices instead"),
        ("suffix", "suffix is not supported"),
        ("tools", "tools are not supported"),
        ("functions", "functions are not supported"),
        ("tool_choice", "tool_choice is not supported"),
        ("function_call", "function_call is not supported"),
    ];

    // "No tools" may be said as [], "" or "none".
    private static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.String => value.ValueEquals("") || value.ValueEquals("none"),
        _ => false,
    };
}

/// <param name="IncludeUsage">A last chunk with token counts and no choices.</param>
/// <param name="ContinuousUsage">Token counts so far in every chunk.</param>
internal readonly record struct StreamSettings(
    bool Enabled, bool IncludeUsage, bool ContinuousUsage)
{
    public static StreamSettings Parse(RequestFields fields)
    {
        var enabled = fields.Bool("stream") ?? false;
        if (!fields.TryGet("stream_options", out var value))
        {
            return new StreamSettings(enabled, false, false);
        }

        if (!enabled)
        {
            throw RequestRefusedException.Invalid(
                "'stream_options' is allowed only with stream: true", "stream_options");
        }

        var options = new RequestFields(value, "stream_options");
        var continuous = options.Bool("continuous_usage_stats") ?? false;
        return new StreamSettings(true, options.Bool("include_usage") ?? false, continuous);
    }
}
