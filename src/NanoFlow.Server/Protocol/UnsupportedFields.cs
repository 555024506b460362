// Fields of the protocol that would change the answer and are not there: dropping one in silence
// would answer another question than the one that was asked.

using System.Text.Json;

namespace NanoFlow.Server.Protocol;

internal static class UnsupportedFields
{
    private static readonly (string Name, string Message)[] Fields =
    [
        ("suffix", "suffix is not supported"),
        ("use_beam_search", "beam search is not supported"),
        ("bad_words", "bad_words is not supported; use logit_bias with -100"),
        ("allowed_token_ids", "allowed_token_ids is not supported; use logit_bias"),
        ("logits_processors", "logits_processors are not supported"),
        ("prompt_embeds", "prompt_embeds is not supported; send text or token ids"),
        (
            "chat_template",
            "chat_template is not taken from requests; the model's own is used, and "
            + "chat_template_kwargs sets its variables"),
        ("audio", "audio is not supported"),
        ("web_search_options", "web search is not supported"),
        ("functions", "functions are not supported; use tools"),
        ("function_call", "function_call is not supported; use tool_choice"),
    ];

    /// <param name="n">Choices per prompt that were asked for.</param>
    public static void Refuse(RequestFields fields, int n)
    {
        foreach (var (name, message) in Fields)
        {
            if (fields.TryGet(name, out var value) && !IsEmpty(value))
            {
                throw new RequestRefusedException(ApiError.NotSupported(name, message));
            }
        }

        RefuseBestOf(fields, n);
    }

    // The best n of n are all of them, and clients of the old API always send the field.
    private static void RefuseBestOf(RequestFields fields, int n)
    {
        if (fields.TryGet("best_of", out var value)
            && (value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out var count)
                || count != n))
        {
            throw new RequestRefusedException(ApiError.NotSupported(
                "best_of", "best_of is not supported; ask for n choices and pick one"));
        }
    }

    // "None" may be said as [], {}, false, "" or "none".
    private static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => value.GetPropertyCount() == 0,
        JsonValueKind.String => value.ValueEquals("") || value.ValueEquals("none"),
        JsonValueKind.False => true,
        _ => false,
    };
}
