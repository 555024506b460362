// The wire format of /v1/responses: a list of items, each the reasoning or the message of the one
// answer, and what the request asked for, repeated. Clients expect every field to be there.

using System.Text.Json;
using NanoFlow.Server.Generating;
using NanoFlow.Server.Protocol;

namespace NanoFlow.Server.Responses;

internal enum ResponseStatus
{
    InProgress,
    Completed,

    /// <summary>Cut off at the length.</summary>
    Incomplete,
    Failed,
}

/// <summary>One for each request: an answer repeats its fields.</summary>
internal sealed class ResponsesFormat(ResponsesFields request) : IWireFormat
{
    public string IdPrefix => "resp_";

    public void WriteWhole(Utf8JsonWriter json, Answer answer)
    {
        var choice = answer.Choices[0];
        Write(json, answer, StatusOf(choice), OutputItem.ListOf(choice.Pieces));
    }

    public IAnswerEvents Begin(Answer answer, EventStream stream) =>
        new ResponsesEvents(this, answer, stream);

    public static ResponseStatus StatusOf(Choice choice) => choice.FinishReason == "length"
        ? ResponseStatus.Incomplete
        : ResponseStatus.Completed;

    /// <summary>The fields of a response.</summary>
    /// <param name="items">Only the last can be cut off.</param>
    public void Write(
        Utf8JsonWriter json,
        Answer answer,
        ResponseStatus status,
        IReadOnlyList<OutputItem> items,
        ApiError? error = null)
    {
        json.WriteString("id"u8, answer.Head.Id);
        json.WriteString("object"u8, "response"u8);
        json.WriteNumber("created_at"u8, answer.Head.Created);
        json.WriteString("status"u8, NameOf(status));
        json.WriteBoolean("background"u8, false);
        WriteError(json, error);
        WriteIncomplete(json, status);
        json.WriteString("model"u8, answer.Head.Model);
        json.WriteStartArray("output"u8);
        for (var i = 0; i < items.Count; i++)
        {
            var isLast = i == items.Count - 1;
            json.WriteStartObject();
            WriteItem(json, items[i], isLast ? status : ResponseStatus.Completed);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteRequest(json, answer.Request.Settings);
        WriteUsage(json, answer.Usage, status);
    }

    /// <summary>The fields of an item; without its text as long as it is in progress.</summary>
    public static void WriteItem(Utf8JsonWriter json, OutputItem item, ResponseStatus status)
    {
        json.WriteString("id"u8, item.Id);
        var isBroken = status == ResponseStatus.Failed;
        json.WriteString("status"u8, NameOf(isBroken ? ResponseStatus.Incomplete : status));
        var isDone = status != ResponseStatus.InProgress;
        if (item.Call is { } call)
        {
            json.WriteString("type"u8, "function_call"u8);
            json.WriteString("call_id"u8, call.Id);
            json.WriteString("name"u8, call.Name);
            json.WriteString("arguments"u8, isDone ? item.Text : []);
            return;
        }

        if (item.Kind == PieceKind.Reasoning)
        {
            json.WriteString("type"u8, "reasoning"u8);
            json.WriteStartArray("summary"u8);
            json.WriteEndArray();
        }
        else
        {
            json.WriteString("type"u8, "message"u8);
            json.WriteString("role"u8, "assistant"u8);
        }

        json.WriteStartArray("content"u8);
        if (isDone)
        {
            json.WriteStartObject();
            WritePart(json, item, item.Text);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>The fields of the one content part that an item has, unless it is a call.
    /// </summary>
    public static void WritePart(
        Utf8JsonWriter json, OutputItem item, ReadOnlySpan<byte> text)
    {
        if (item.Kind == PieceKind.Reasoning)
        {
            json.WriteString("type"u8, "reasoning_text"u8);
        }
        else
        {
            json.WriteString("type"u8, "output_text"u8);
            json.WriteStartArray("annotations"u8);
            json.WriteEndArray();
            json.WriteStartArray("logprobs"u8);
            json.WriteEndArray();
        }

        json.WriteString("text"u8, text);
    }

    private static ReadOnlySpan<byte> NameOf(ResponseStatus status) => status switch
    {
        ResponseStatus.InProgress => "in_progress"u8,
        ResponseStatus.Completed => "completed"u8,
        ResponseStatus.Incomplete => "incomplete"u8,
        _ => "failed"u8,
    };

    private static void WriteError(Utf8JsonWriter json, ApiError? error)
    {
        if (error is null)
        {
            json.WriteNull("error"u8);
            return;
        }

        // OpenAI's closed list has one word for everything that went wrong inside.
        json.WriteStartObject("error"u8);
        json.WriteString("code"u8, "server_error"u8);
        json.WriteString("message"u8, error.Message);
        json.WriteEndObject();
    }

    private static void WriteIncomplete(Utf8JsonWriter json, ResponseStatus status)
    {
        if (status != ResponseStatus.Incomplete)
        {
            json.WriteNull("incomplete_details"u8);
            return;
        }

        json.WriteStartObject("incomplete_details"u8);
        json.WriteString("reason"u8, "max_output_tokens"u8);
        json.WriteEndObject();
    }

    private void WriteRequest(Utf8JsonWriter json, GenerationSettings settings)
    {
        json.WriteString("instructions"u8, request.Instructions);
        WriteNumber(json, "max_output_tokens", request.MaxOutputTokens);
        json.WriteNull("max_tool_calls"u8);
        json.WriteNull("previous_response_id"u8);
        json.WriteBoolean("parallel_tool_calls"u8, request.ParallelToolCalls);
        json.WriteStartObject("reasoning"u8);
        json.WriteString("effort"u8, request.ReasoningEffort);
        json.WriteNull("summary"u8);
        json.WriteEndObject();
        json.WriteString("service_tier"u8, "default"u8);
        json.WriteBoolean("store"u8, false);
        json.WriteNumber("temperature"u8, settings.Sampling.Temperature);
        json.WriteNumber("top_p"u8, settings.Sampling.TopP);
        json.WriteNumber("top_logprobs"u8, 0);
        json.WriteStartObject("text"u8);
        WriteGiven(json, "format", request.FormatElement, """{"type":"text"}""");
        json.WriteEndObject();
        WriteGiven(json, "tool_choice", request.ToolChoice, "\"auto\"");
        WriteGiven(json, "tools", request.Tools, "[]");
        json.WriteString("truncation"u8, "disabled"u8);
        json.WriteString("user"u8, request.User);
        WriteGiven(json, "metadata", request.Metadata, "{}");
    }

    // What the request said, or what its silence means.
    private static void WriteGiven(
        Utf8JsonWriter json, string name, JsonElement? given, string otherwise)
    {
        json.WritePropertyName(name);
        if (given is { } element)
        {
            element.WriteTo(json);
        }
        else
        {
            json.WriteRawValue(otherwise);
        }
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, int? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
        else
        {
            json.WriteNull(name);
        }
    }

    private static void WriteUsage(Utf8JsonWriter json, Usage usage, ResponseStatus status)
    {
        if (status == ResponseStatus.InProgress)
        {
            json.WriteNull("usage"u8);
            return;
        }

        json.WriteStartObject("usage"u8);
        json.WriteNumber("input_tokens"u8, usage.PromptTokens);
        json.WriteStartObject("input_tokens_details"u8);
        json.WriteNumber("cached_tokens"u8, 0);
        json.WriteEndObject();
        json.WriteNumber("output_tokens"u8, usage.CompletionTokens);
        json.WriteStartObject("output_tokens_details"u8);
        json.WriteNumber("reasoning_tokens"u8, usage.ReasoningTokens);
        json.WriteEndObject();
        json.WriteNumber("total_tokens"u8, usage.PromptTokens + usage.CompletionTokens);
        json.WriteEndObject();
    }
}
