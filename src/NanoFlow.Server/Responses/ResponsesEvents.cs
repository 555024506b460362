// The stream of /v1/responses: named and numbered events that open an item, fill it and close it,
// between the response as it begins and as it ends.

using System.Text.Json;
using NanoFlow.Server.Generating;
using NanoFlow.Server.Protocol;

namespace NanoFlow.Server.Responses;

internal sealed class ResponsesEvents(ResponsesFormat format, Answer answer, EventStream stream)
    : IAnswerEvents
{
    private readonly List<OutputItem> _items = [];
    private int _sequence;

    private OutputItem Item => _items[^1];

    public void Open()
    {
        WriteResponse("response.created"u8, ResponseStatus.InProgress);
        WriteResponse("response.in_progress"u8, ResponseStatus.InProgress);
    }

    public void Write(Choice choice)
    {
        for (var i = 0; i < choice.Pieces.Count; i++)
        {
            var piece = choice.Pieces[i];
            if (_items.Count == 0 || !Item.Continues(piece))
            {
                CloseItem(ResponseStatus.Completed);
                OpenItem(new OutputItem(piece.Kind, piece.Call));
            }

            Item.Append(piece.Text);
            if (!piece.Text.IsEmpty)
            {
                WriteDelta(piece.Text);
            }
        }
    }

    public void Finish(Choice choice)
    {
        if (_items.Count == 0)
        {
            OpenItem(new OutputItem(PieceKind.Text));
        }

        CloseItem(ResponsesFormat.StatusOf(choice));
    }

    public void Close()
    {
        var status = ResponsesFormat.StatusOf(answer.Choices[0]);
        WriteResponse(
            status == ResponseStatus.Incomplete
                ? "response.incomplete"u8
                : "response.completed"u8,
            status);
    }

    public void Fail(ApiError error) =>
        WriteResponse("response.failed"u8, ResponseStatus.Failed, error);

    private void OpenItem(OutputItem item)
    {
        _items.Add(item);
        WriteItem("response.output_item.added"u8, ResponseStatus.InProgress);
        if (item.Call is null)
        {
            WritePart("response.content_part.added"u8, []);
        }
    }

    private void CloseItem(ResponseStatus status)
    {
        if (_items.Count == 0)
        {
            return;
        }

        var json = BeginText(Item.Kind switch
        {
            PieceKind.Reasoning => "response.reasoning_text.done"u8,
            PieceKind.ToolCall => "response.function_call_arguments.done"u8,
            _ => "response.output_text.done"u8,
        });
        if (Item.Call is { } call)
        {
            json.WriteString("name"u8, call.Name);
        }

        json.WriteString(Item.Call is null ? "text"u8 : "arguments"u8, Item.Text);
        EndText(json);
        if (Item.Call is null)
        {
            WritePart("response.content_part.done"u8, Item.Text);
        }

        WriteItem("response.output_item.done"u8, status);
    }

    private void WriteDelta(ReadOnlySpan<byte> text)
    {
        var json = BeginText(Item.Kind switch
        {
            PieceKind.Reasoning => "response.reasoning_text.delta"u8,
            PieceKind.ToolCall => "response.function_call_arguments.delta"u8,
            _ => "response.output_text.delta"u8,
        });
        json.WriteString("delta"u8, text);
        EndText(json);
    }

    private Utf8JsonWriter BeginText(ReadOnlySpan<byte> name)
    {
        var json = Begin(name);
        json.WriteString("item_id"u8, Item.Id);
        json.WriteNumber("output_index"u8, _items.Count - 1);
        if (Item.Call is null)
        {
            json.WriteNumber("content_index"u8, 0);
        }

        return json;
    }

    private void EndText(Utf8JsonWriter json)
    {
        if (Item.Kind == PieceKind.Text)
        {
            json.WriteStartArray("logprobs"u8);
            json.WriteEndArray();
        }

        stream.End();
    }

    private void WritePart(ReadOnlySpan<byte> name, ReadOnlySpan<byte> text)
    {
        var json = BeginText(name);
        json.WriteStartObject("part"u8);
        ResponsesFormat.WritePart(json, Item, text);
        json.WriteEndObject();
        stream.End();
    }

    private void WriteItem(ReadOnlySpan<byte> name, ResponseStatus status)
    {
        var json = Begin(name);
        json.WriteNumber("output_index"u8, _items.Count - 1);
        json.WriteStartObject("item"u8);
        ResponsesFormat.WriteItem(json, Item, status);
        json.WriteEndObject();
        stream.End();
    }

    private void WriteResponse(
        ReadOnlySpan<byte> name, ResponseStatus status, ApiError? error = null)
    {
        var json = Begin(name);
        json.WriteStartObject("response"u8);
        format.Write(json, answer, status, _items, error);
        json.WriteEndObject();
        stream.End();
    }

    private Utf8JsonWriter Begin(ReadOnlySpan<byte> name)
    {
        var json = stream.Begin(name);
        json.WriteString("type"u8, name);
        json.WriteNumber("sequence_number"u8, _sequence++);
        return json;
    }
}
