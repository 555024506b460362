// The wire format of /v1/chat/completions.

using System.Text.Json;
using NanoFlow.Server.Generating;

namespace NanoFlow.Server.Responses;

internal sealed class ChatFormat : OpenAIFormat
{
    public override string IdPrefix => "chatcmpl-";
    public override string ObjectName => "chat.completion";
    public override string ChunkName => "chat.completion.chunk";
    public override bool HasOpening => true;
    public override bool HasPromptInChoice => false;

    public override void WriteOpening(Utf8JsonWriter json)
    {
        json.WriteStartObject("delta"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteString("content"u8, ""u8);
        json.WriteEndObject();
    }

    public override void WritePiece(Utf8JsonWriter json, in AnswerPiece piece)
    {
        json.WriteStartObject("delta"u8);
        switch (piece.Kind)
        {
            case PieceKind.Text:
                json.WriteString("content"u8, piece.Text);
                break;
            case PieceKind.Reasoning:
                json.WriteString("reasoning_content"u8, piece.Text);
                break;
            default:
                WriteCallPiece(json, piece);
                break;
        }

        json.WriteEndObject();
    }

    public override void WriteEnding(Utf8JsonWriter json)
    {
        json.WriteStartObject("delta"u8);
        json.WriteEndObject();
    }

    // An answer that is all reasoning or tool calls has no content rather than an empty one.
    public override void WriteWholeChoice(Utf8JsonWriter json, Choice choice, TokenPrompt prompt)
    {
        json.WriteStartObject("message"u8);
        json.WriteString("role"u8, "assistant"u8);
        var content = choice.Pieces.Joined(PieceKind.Text);
        var reasoning = choice.Pieces.Joined(PieceKind.Reasoning);
        var isOther = reasoning.Length > 0 || choice.Pieces.HasCalls;
        json.WriteString("content"u8, content.Length == 0 && isOther ? null : content);
        if (reasoning.Length > 0)
        {
            json.WriteString("reasoning_content"u8, reasoning);
        }

        if (choice.Pieces.HasCalls)
        {
            WriteCalls(json, choice.Pieces);
        }

        json.WriteNull("refusal"u8);
        json.WriteEndObject();
    }

    private static void WriteCallPiece(Utf8JsonWriter json, in AnswerPiece piece)
    {
        var call = piece.Call!;
        json.WriteStartArray("tool_calls"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, call.Index);
        if (piece.StartsCall)
        {
            json.WriteString("id"u8, call.Id);
            json.WriteString("type"u8, "function"u8);
        }

        json.WriteStartObject("function"u8);
        if (piece.StartsCall)
        {
            json.WriteString("name"u8, call.Name);
        }

        json.WriteString("arguments"u8, piece.Text);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void WriteCalls(Utf8JsonWriter json, AnswerPieces pieces)
    {
        json.WriteStartArray("tool_calls"u8);
        foreach (var (call, arguments) in pieces.Calls())
        {
            json.WriteStartObject();
            json.WriteString("id"u8, call.Id);
            json.WriteString("type"u8, "function"u8);
            json.WriteStartObject("function"u8);
            json.WriteString("name"u8, call.Name);
            json.WriteString("arguments"u8, arguments);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    protected override void WriteLogProbs(
        Utf8JsonWriter json, IReadOnlyList<TokenLogProbs> tokens)
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
