// `prompt_logprobs`, and `echo` together with `logprobs`: how likely the tokens of a prompt were.

using NanoFlow.Engine;

namespace NanoFlow.Server.Protocol;

/// <param name="Reported">Alternatives for `prompt_logprobs`; null when not asked for.</param>
/// <param name="Echoed">Alternatives for the repeated prompt; null when it has none.</param>
internal readonly record struct PromptScoring(int? Reported, int? Echoed)
{
    /// <summary>Alternatives the engine has to find; null: it need not score.</summary>
    public int? Wanted => Reported is null ? Echoed : Math.Max(Reported.Value, Echoed ?? 0);

    /// <param name="echoed">logprobs of a request with echo.</param>
    public static PromptScoring Parse(
        RequestFields fields, GenerationSettings settings, RequestCaps caps, int? echoed)
    {
        var field = FieldTable.PromptLogProbs with { Max = caps.MaxLogProbs };
        var reported = (int?)fields.Integer(field);
        if (reported is not null && settings.Stream.Enabled)
        {
            throw RequestRefusedException.Invalid(
                $"'{field.Name}' is not available with stream: true", field.Name);
        }

        return new PromptScoring(reported, echoed);
    }

    /// <summary>Refuses a prompt whose scores would take too much memory.</summary>
    public void Check(int promptTokens)
    {
        if (Wanted is { } count && promptTokens * (1L + count) > EngineLimits.PromptScores)
        {
            var field = Reported is null ? "logprobs" : FieldTable.PromptLogProbs.Name;
            throw RequestRefusedException.Invalid(
                $"'{field}': a prompt of {promptTokens} tokens with {count} alternatives each has "
                + $"more than {EngineLimits.PromptScores} log-probabilities",
                field);
        }
    }
}
