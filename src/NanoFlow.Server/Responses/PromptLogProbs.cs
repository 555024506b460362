// "prompt_logprobs" as vLLM writes it: null for the first token of the prompt, then for each token
// an object from ids to log-probabilities, the token's own first. Ranks are those among the
// alternatives; a token that is none of them has no rank here.

using System.Globalization;
using System.Text.Json;
using NanoFlow.Engine;
using NanoFlow.Server.Generating;

namespace NanoFlow.Server.Responses;

internal static class PromptLogProbs
{
    public static void Write(Utf8JsonWriter json, Choice choice, TokenPrompt prompt, int? wanted)
    {
        if (wanted is not { } alternatives || choice.Generation.PromptScores is not { } scores)
        {
            return;
        }

        json.WriteStartArray("prompt_logprobs"u8);
        json.WriteNullValue();
        for (var i = 0; i < scores.Count; i++)
        {
            var score = scores[i];
            var top = score.Top.Span[..Math.Min(alternatives, score.Top.Length)];
            json.WriteStartObject();
            Write(json, choice.Names, prompt.Tokens[i + 1], score.LogProb, top);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Write(
        Utf8JsonWriter json,
        TokenNames names,
        int token,
        float logProb,
        ReadOnlySpan<TokenLogProb> top)
    {
        var place = -1;
        for (var i = 0; i < top.Length && place < 0; i++)
        {
            place = top[i].Token == token ? i : -1;
        }

        WriteEntry(json, names, new TokenLogProb(token, logProb), place);
        for (var i = 0; i < top.Length; i++)
        {
            if (i != place && top[i].Token >= 0)
            {
                WriteEntry(json, names, top[i], i);
            }
        }
    }

    private static void WriteEntry(
        Utf8JsonWriter json, TokenNames names, TokenLogProb token, int place)
    {
        var entry = names.Entry(token.Token, token.LogProb);
        json.WriteStartObject(token.Token.ToString(CultureInfo.InvariantCulture));
        json.WriteNumber("logprob"u8, entry.JsonLogProb);
        if (place >= 0)
        {
            json.WriteNumber("rank"u8, place + 1);
        }

        json.WriteString("decoded_token"u8, entry.Text);
        json.WriteEndObject();
    }
}
