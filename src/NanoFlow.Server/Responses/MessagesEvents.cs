// The stream of /v1/messages: the message without content, its blocks, then why it ended.

using System.Text.Json;
using NanoFlow.Server.Generating;
using NanoFlow.Server.Protocol;

namespace NanoFlow.Server.Responses;

internal sealed class MessagesEvents(Answer answer, EventStream stream) : IAnswerEvents
{
    private int _blocks;
    private PieceKind _kind;

    private int Index => _blocks - 1;

    public void Open()
    {
        var json = Begin("message_start"u8);
        json.WriteStartObject("message"u8);
        MessagesFormat.WriteHead(json, answer);
        json.WriteStartArray("content"u8);
        json.WriteEndArray();
        MessagesFormat.WriteStop(json, null);
        MessagesFormat.WriteUsage(json, answer.Usage);
        json.WriteEndObject();
        stream.End();
    }

    public void Write(Choice choice)
    {
        for (var i = 0; i < choice.Pieces.Count; i++)
        {
            var piece = choice.Pieces[i];
            if (_blocks == 0 || _kind != piece.Kind || piece.StartsCall)
            {
                CloseBlock();
                OpenBlock(piece.Kind, piece.Call);
            }

            if (!piece.Text.IsEmpty)
            {
                WriteDelta(piece.Text);
            }
        }
    }

    public void Finish(Choice choice)
    {
        if (_blocks == 0)
        {
            OpenBlock(PieceKind.Text, null);
        }

        CloseBlock();
        var json = Begin("message_delta"u8);
        json.WriteStartObject("delta"u8);
        MessagesFormat.WriteStop(json, choice);
        json.WriteEndObject();
        MessagesFormat.WriteUsage(json, answer.Usage);
        stream.End();
    }

    public void Close()
    {
        Begin("message_stop"u8);
        stream.End();
    }

    public void Fail(ApiError error)
    {
        AnthropicError.Write(stream.Begin("error"u8), error);
        stream.End();
    }

    private void OpenBlock(PieceKind kind, ToolCall? call)
    {
        _blocks++;
        _kind = kind;
        var json = Begin("content_block_start"u8);
        json.WriteNumber("index"u8, Index);
        json.WriteStartObject("content_block"u8);
        MessagesFormat.WriteBlock(json, kind, call, []);
        json.WriteEndObject();
        stream.End();
    }

    private void CloseBlock()
    {
        if (_blocks == 0)
        {
            return;
        }

        var json = Begin("content_block_stop"u8);
        json.WriteNumber("index"u8, Index);
        stream.End();
    }

    private void WriteDelta(ReadOnlySpan<byte> text)
    {
        var json = Begin("content_block_delta"u8);
        json.WriteNumber("index"u8, Index);
        json.WriteStartObject("delta"u8);
        var (type, name) = _kind switch
        {
            PieceKind.Reasoning => ("thinking_delta", "thinking"),
            PieceKind.ToolCall => ("input_json_delta", "partial_json"),
            _ => ("text_delta", "text"),
        };
        json.WriteString("type"u8, type);
        json.WriteString(name, text);
        json.WriteEndObject();
        stream.End();
    }

    private Utf8JsonWriter Begin(ReadOnlySpan<byte> name)
    {
        var json = stream.Begin(name);
        json.WriteString("type"u8, name);
        return json;
    }
}
