// The wire format of /v1/chat/completions.

using System.Text.Json;

namespace NanoFlow.Server.Responses;

internal sealed class ChatFormat : IWireFormat
{
    public string IdPrefix => "chatcmpl-";
    public string ObjectName => "chat.completion";
    public string ChunkName => "chat.completion.chunk";
    public bool HasOpening => true;

    public void WriteOpening(Utf8JsonWriter json)
    {
        json.WriteStartObject("delta"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteString("content"u8, ""u8);
        json.WriteEndObject();
    }

    public void WritePiece(Utf8JsonWriter json, ReadOnlySpan<byte> text)
    {
        json.WriteStartObject("delta"u8);
        if (!text.IsEmpty)
        {
            json.WriteString("content"u8, text);
        }

        json.WriteEndObject();
    }

    public void WriteWhole(Utf8JsonWriter json, string text)
    {
        json.WriteStartObject("message"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteString("content"u8, text);
        json.WriteNull("refusal"u8);
        json.WriteEndObject();
    }

    public void WriteLogProbs(Utf8JsonWriter json, IReadOnlyList<TokenLogProbs> tokens)
    {
        json.WriteStartObject();
        json.WriteStartArray("content"u8);
        foreach (var token in tokens)
        {
            json.WriteStartObject();
            WriteToken(json, token.Sampled);
            json.WriteStartArray("top_logprobs"u8);
            foreach (var top in token.Top)
            {
                json.WriteStartObject();
                WriteToken(json, top);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteToken(Utf8JsonWriter json, in TopLogProb token)
    {
        json.WriteString("token"u8, token.Text);
        json.WriteNumber("logprob"u8, token.JsonLogProb);
        json.WriteStartArray("bytes"u8);
        foreach (var value in token.Bytes)
        {
            json.WriteNumberValue(value);
        }

        json.WriteEndArray();
    }
}
