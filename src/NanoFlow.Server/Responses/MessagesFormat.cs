// The wire format of /v1/messages: blocks of text, thoughts and calls, and why the answer ended.

using System.Text.Json;
using NanoFlow.Server.Generating;

namespace NanoFlow.Server.Responses;

internal sealed class MessagesFormat : IWireFormat
{
    public string IdPrefix => "msg_";

    public void WriteWhole(Utf8JsonWriter json, Answer answer)
    {
        var choice = answer.Choices[0];
        WriteHead(json, answer);
        json.WriteStartArray("content"u8);
        foreach (var item in OutputItem.ListOf(choice.Pieces))
        {
            json.WriteStartObject();
            WriteBlock(json, item.Kind, item.Call, item.Text);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteStop(json, choice);
        WriteUsage(json, answer.Usage);
    }

    public IAnswerEvents Begin(Answer answer, EventStream stream) =>
        new MessagesEvents(answer, stream);

    public static void WriteHead(Utf8JsonWriter json, Answer answer)
    {
        json.WriteString("id"u8, answer.Head.Id);
        json.WriteString("type"u8, "message"u8);
        json.WriteString("role"u8, "assistant"u8);
        json.WriteString("model"u8, answer.Head.Model);
    }

    /// <summary>The fields of a content block.</summary>
    /// <param name="text">Of a call its arguments.</param>
    public static void WriteBlock(
        Utf8JsonWriter json, PieceKind kind, ToolCall? call, ReadOnlySpan<byte> text)
    {
        if (call is not null)
        {
            json.WriteString("type"u8, "tool_use"u8);
            json.WriteString("id"u8, call.Id);
            json.WriteString("name"u8, call.Name);
            json.WritePropertyName("input"u8);
            WriteInput(json, text);
        }
        else if (kind == PieceKind.Reasoning)
        {
            // A signature proves to Anthropic that thoughts are its own; clients send it back.
            json.WriteString("type"u8, "thinking"u8);
            json.WriteString("thinking"u8, text);
            json.WriteString("signature"u8, ""u8);
        }
        else
        {
            json.WriteString("type"u8, "text"u8);
            json.WriteString("text"u8, text);
        }
    }

    // Arguments that were cut off at the length are no JSON.
    private static void WriteInput(Utf8JsonWriter json, ReadOnlySpan<byte> text)
    {
        var reader = new Utf8JsonReader(text);
        try
        {
            if (JsonDocument.TryParseValue(ref reader, out var input))
            {
                using (input)
                {
                    input.RootElement.WriteTo(json);
                    return;
                }
            }
        }
        catch (JsonException)
        {
            // Written as empty below.
        }

        json.WriteStartObject();
        json.WriteEndObject();
    }

    /// <summary>Why it ended; null while it has not.</summary>
    public static void WriteStop(Utf8JsonWriter json, Choice? choice)
    {
        json.WriteString("stop_reason"u8, choice switch
        {
            null => null,
            { FinishReason: "length" } => "max_tokens",
            { FinishReason: "tool_calls" } => "tool_use",
            { StopString: not null } => "stop_sequence",
            _ => "end_turn",
        });
        json.WriteString("stop_sequence"u8, choice?.StopString);
    }

    public static void WriteUsage(Utf8JsonWriter json, Usage usage)
    {
        json.WriteStartObject("usage"u8);
        json.WriteNumber("input_tokens"u8, usage.PromptTokens);
        json.WriteNumber("cache_creation_input_tokens"u8, 0);
        json.WriteNumber("cache_read_input_tokens"u8, 0);
        json.WriteNumber("output_tokens"u8, usage.CompletionTokens);
        json.WriteEndObject();
    }
}
