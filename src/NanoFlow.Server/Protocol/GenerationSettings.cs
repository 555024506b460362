// What a request for text asks for, apart from its prompt: the fields that completions and chat
// share, parsed and within their ranges. Where a request is silent, the model author's defaults
// hold, then the API's.

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
    public bool SkipSpecialTokens { get; init; } = true;

    /// <summary>Answers carry the ids of prompt and answer.</summary>
    public bool ReturnTokenIds { get; init; }

    /// <summary>Log-probabilities call a token "token_id:ID", which is never ambiguous.</summary>
    public bool TokensAsTokenIds { get; init; }

    public required StreamSettings Stream { get; init; }

    public static GenerationSettings Parse(RequestFields fields, ServerState server)
    {
        var caps = server.Options.Caps;
        var n = (int)(fields.Integer(FieldTable.N with { Max = caps.MaxN })
            ?? FieldTable.N.Default);
        UnsupportedFields.Refuse(fields, n);
        InertFields.Check(fields);
        return new GenerationSettings
        {
            Sampling = ParseSampling(fields, server),
            Seed = (ulong?)fields.Integer(FieldTable.Seed),
            N = n,
            MinTokens = (int)(fields.Integer(FieldTable.MinTokens)
                ?? FieldTable.MinTokens.Default),
            IgnoreEos = fields.Flag(FieldTable.IgnoreEos),
            StopStrings = StopFields.Strings(fields, caps),
            StopTokens = StopFields.Tokens(fields, server.Model.VocabSize),
            IncludeStopString = fields.Flag(FieldTable.IncludeStop),
            SkipSpecialTokens = fields.Flag(FieldTable.SkipSpecialTokens),
            ReturnTokenIds = fields.Flag(FieldTable.ReturnTokenIds),
            TokensAsTokenIds = fields.Flag(FieldTable.TokensAsTokenIds),
            Stream = StreamSettings.Parse(fields),
        };
    }

    private static SamplingParams ParseSampling(RequestFields fields, ServerState server)
    {
        var model = server.Model;
        var author = model.Defaults;
        var temperature = fields.Real(FieldTable.Temperature)
            ?? (author.Greedy ? 0 : author.Temperature ?? FieldTable.Temperature.Default);
        var topK = fields.Integer(FieldTable.TopK) ?? author.TopK ?? FieldTable.TopK.Default;
        return new SamplingParams
        {
            Temperature = (float)temperature,
            TopP = (float)(fields.Real(FieldTable.TopP)
                ?? author.TopP ?? FieldTable.TopP.Default),
            MinP = Real(fields, FieldTable.MinP),
            TopK = (int)Math.Clamp(topK, 0, model.VocabSize),
            RepetitionPenalty = (float)(fields.Real(FieldTable.RepetitionPenalty)
                ?? author.RepetitionPenalty ?? FieldTable.RepetitionPenalty.Default),
            PresencePenalty = Real(fields, FieldTable.PresencePenalty),
            FrequencyPenalty = Real(fields, FieldTable.FrequencyPenalty),
            LogitBias = BiasField.Parse(fields, model.VocabSize, server.Options.Caps),
        };
    }

    private static float Real(RequestFields fields, RealField field) =>
        (float)(fields.Real(field) ?? field.Default);
}

/// <param name="IncludeUsage">A last chunk with token counts and no choices.</param>
/// <param name="ContinuousUsage">Token counts so far in every chunk.</param>
internal readonly record struct StreamSettings(
    bool Enabled, bool IncludeUsage, bool ContinuousUsage)
{
    public static StreamSettings Parse(RequestFields fields)
    {
        var enabled = fields.Flag(FieldTable.Stream);
        if (fields.Nested("stream_options") is not { } options)
        {
            return new StreamSettings(enabled, false, false);
        }

        if (!enabled)
        {
            throw RequestRefusedException.Invalid(
                "'stream_options' is allowed only with stream: true", "stream_options");
        }

        return new StreamSettings(
            true, options.Flag(FieldTable.IncludeUsage), options.Flag(FieldTable.ContinuousUsage));
    }
}
