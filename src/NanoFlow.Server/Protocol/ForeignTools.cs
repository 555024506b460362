// The tools of /v1/responses and /v1/messages in the form that chat has for them: the functions are
// the same, and only what surrounds them differs.

using System.Buffers;
using System.Text.Json;

namespace NanoFlow.Server.Protocol;

internal static class ForeignTools
{
    private const string Tools = "tools";
    private const string Choice = "tool_choice";

    // Fields of a tool, here and in chat.
    private static readonly (string Name, string ChatName)[] Fields =
    [
        ("name", "name"),
        ("description", "description"),
        ("parameters", "parameters"),
        ("input_schema", "parameters"),
        ("strict", "strict"),
    ];

    public static ToolSet? OfResponses(RequestFields fields) => Parse(fields, (json, choice) =>
    {
        var name = choice.ValueKind == JsonValueKind.Object
            && choice.TryGetProperty("name", out var given) ? given : default;
        WriteChoice(json, choice, name);
        if (fields.Bool("parallel_tool_calls") is { } allowsSeveral)
        {
            json.WriteBoolean("parallel_tool_calls"u8, allowsSeveral);
        }
    });

    public static ToolSet? OfMessages(RequestFields fields) => Parse(fields, (json, element) =>
    {
        if (element.ValueKind == JsonValueKind.Undefined)
        {
            return;
        }

        var choice = new RequestFields(element, Choice);
        var type = choice.Word(new WordField("type", ["auto", "any", "tool", "none"]));
        if (type == "tool")
        {
            choice.TryGet("name", out var name);
            WriteChoice(json, element, name);
        }
        else
        {
            json.WriteString(Choice, type == "any" ? "required" : type ?? "auto");
        }

        json.WriteBoolean(
            "parallel_tool_calls"u8, !(choice.Bool("disable_parallel_tool_use") ?? false));
    });

    /// <summary>Calls of an assistant as templates expect them.</summary>
    /// <param name="calls">Id, name, and arguments as text.</param>
    public static string? Calls(
        IReadOnlyList<(string? Id, string? Name, string? Arguments)> calls, string path)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("tool_calls"u8);
            foreach (var (id, name, arguments) in calls)
            {
                json.WriteStartObject();
                json.WriteString("id"u8, id);
                json.WriteStartObject("function"u8);
                json.WriteString("name"u8, name);
                json.WriteString("arguments"u8, arguments);
                json.WriteEndObject();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return ToolCallsField.Parse(
            new RequestFields(JsonElement.Parse(buffer.WrittenSpan)), "assistant", path);
    }

    private static ToolSet? Parse(
        RequestFields fields, Action<Utf8JsonWriter, JsonElement> writeChoice)
    {
        var hasTools = fields.TryGet(Tools, out var tools);
        fields.TryGet(Choice, out var choice);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (hasTools)
            {
                json.WritePropertyName(Tools);
                WriteTools(json, tools);
            }

            writeChoice(json, choice.ValueKind == JsonValueKind.Null ? default : choice);
            json.WriteEndObject();
        }

        return ToolFields.Parse(new RequestFields(JsonElement.Parse(buffer.WrittenSpan)));
    }

    private static void WriteTools(Utf8JsonWriter json, JsonElement tools)
    {
        if (tools.ValueKind != JsonValueKind.Array)
        {
            tools.WriteTo(json);
            return;
        }

        json.WriteStartArray();
        foreach (var tool in tools.EnumerateArray())
        {
            WriteTool(json, tool);
        }

        json.WriteEndArray();
    }

    // Kinds of tools that are no functions of the client keep their type, and are refused by it.
    private static void WriteTool(Utf8JsonWriter json, JsonElement tool)
    {
        if (tool.ValueKind != JsonValueKind.Object)
        {
            tool.WriteTo(json);
            return;
        }

        json.WriteStartObject();
        if (tool.TryGetProperty("type", out var type)
            && !(type.ValueKind == JsonValueKind.String && type.ValueEquals("custom")
                && tool.TryGetProperty("input_schema", out _)))
        {
            json.WritePropertyName("type"u8);
            type.WriteTo(json);
        }

        json.WriteStartObject("function"u8);
        foreach (var (name, chatName) in Fields)
        {
            if (tool.TryGetProperty(name, out var value))
            {
                json.WritePropertyName(chatName);
                value.WriteTo(json);
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteChoice(Utf8JsonWriter json, JsonElement choice, JsonElement name)
    {
        if (choice.ValueKind == JsonValueKind.Undefined)
        {
            return;
        }

        json.WritePropertyName(Choice);
        if (name.ValueKind == JsonValueKind.Undefined)
        {
            choice.WriteTo(json);
            return;
        }

        json.WriteStartObject();
        json.WriteStartObject("function"u8);
        json.WritePropertyName("name"u8);
        name.WriteTo(json);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
