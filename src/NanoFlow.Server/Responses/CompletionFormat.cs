// The wire format of /v1/completions.

using System.Text.Json;

namespace NanoFlow.Server.Responses;

internal sealed class CompletionFormat : IWireFormat
{
    public string IdPrefix => "cmpl-";
    public string ObjectName => "text_completion";
    public string ChunkName => "text_completion";
    public bool HasOpening => false;

    public void WriteOpening(Utf8JsonWriter json) => WritePiece(json, ""u8);

    public void WritePiece(Utf8JsonWriter json, ReadOnlySpan<byte> text) =>
        json.WriteString("text"u8, text);

    public void WriteWhole(Utf8JsonWriter json, string text) => json.WriteString("text"u8, text);

    public void WriteLogProbs(Utf8JsonWriter json, IReadOnlyList<TokenLogProbs> tokens)
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
            json.WriteNumberValue(token.Sampled.JsonLogProb);
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
