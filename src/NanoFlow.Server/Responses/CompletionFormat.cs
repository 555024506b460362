// The wire format of /v1/completions.

using System.Text.Json;
using NanoFlow.Server.Generating;

namespace NanoFlow.Server.Responses;

internal sealed class CompletionFormat : OpenAIFormat
{
    public override string IdPrefix => "cmpl-";
    public override string ObjectName => "text_completion";
    public override string ChunkName => "text_completion";
    public override bool HasOpening => false;
    public override bool HasPromptInChoice => true;

    public override void WriteOpening(Utf8JsonWriter json) => WriteEnding(json);

    public override void WritePiece(Utf8JsonWriter json, in AnswerPiece piece) =>
        json.WriteString("text"u8, piece.Text);

    public override void WriteEnding(Utf8JsonWriter json) => json.WriteString("text"u8, ""u8);

    public override void WriteWholeChoice(Utf8JsonWriter json, Choice choice, TokenPrompt prompt) =>
        json.WriteString("text"u8, prompt.Echo + choice.Pieces.Joined(PieceKind.Text));

    protected override void WriteLogProbs(
        Utf8JsonWriter json, IReadOnlyList<TokenLogProbs> tokens)
    {
        json.WriteStartObject();
        json.WriteStartArray("text_offset"u8);
        foreach (var token in tokens)
        {
            json.WriteNumberValue(token.TextOffset);
        }

        json.WriteEndArray();
        json.WriteStartArray("token_logprobs"u8);
        foreach (var token in tokens)
        {
            if (token.IsUnscored)
            {
                json.WriteNullValue();
            }
            else
            {
                json.WriteNumberValue(token.Sampled.JsonLogProb);
            }
        }

        json.WriteEndArray();
        json.WriteStartArray("tokens"u8);
        foreach (var token in tokens)
        {
            json.WriteStringValue(token.Sampled.Text);
        }

        json.WriteEndArray();
        json.WriteStartArray("top_logprobs"u8);
        foreach (var token in tokens)
        {
            WriteTop(json, token);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    // An object keyed by text: of tokens that read the same, the likeliest is kept. The sampled
    // token is always among them.
    private static void WriteTop(Utf8JsonWriter json, TokenLogProbs token)
    {
        if (token.IsUnscored)
        {
            json.WriteNullValue();
            return;
        }

        var written = new HashSet<string>(StringComparer.Ordinal);
        json.WriteStartObject();
        foreach (var top in token.Top.Append(token.Sampled))
        {
            if (written.Add(top.Text))
            {
                json.WriteNumber(top.Text, top.JsonLogProb);
            }
        }

        json.WriteEndObject();
    }
}
