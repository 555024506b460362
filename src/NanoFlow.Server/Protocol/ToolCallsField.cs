// `tool_calls` of a message of the assistant, as templates expect them: the arguments, a string on
// the wire, become the object they spell, so that a template can write them in its own way.

using System.Buffers;
using System.Text;
using System.Text.Json;

namespace NanoFlow.Server.Protocol;

internal static class ToolCallsField
{
    private const string Name = "tool_calls";

    private static readonly JsonDocumentOptions Arguments = new()
    {
        MaxDepth = ServerLimits.MaxJsonDepth,
        AllowDuplicateProperties = false,
    };

    /// <summary>JSON for the template; null when there are no calls.</summary>
    public static string? Parse(RequestFields message, string role, string path)
    {
        if (!message.TryGet(Name, out var calls))
        {
            return null;
        }

        path = $"{path}.{Name}";
        if (calls.ValueKind != JsonValueKind.Array
            || calls.GetArrayLength() > ServerLimits.MaxTools)
        {
            throw RequestRefusedException.Invalid(
                $"'{path}' must be a list of at most {ServerLimits.MaxTools} calls", path);
        }

        if (calls.GetArrayLength() == 0)
        {
            return null;
        }

        if (role != "assistant")
        {
            throw RequestRefusedException.Invalid(
                $"'{path}' belongs to messages of the assistant", path);
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            foreach (var (index, call) in calls.EnumerateArray().Index())
            {
                Write(json, call, $"{path}[{index}]");
            }

            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter json, JsonElement element, string path)
    {
        var call = new RequestFields(element, path);
        if (call.Text("type") is not (null or "function"))
        {
            throw new RequestRefusedException(ApiError.NotSupported(
                path + ".type", $"'{path}' must be of type function"));
        }

        var function = call.Nested("function")
            ?? throw RequestRefusedException.Invalid($"'{path}.function' is missing", path);
        var name = function.Text("name");
        if (name is null || !ToolFields.IsName(name))
        {
            throw RequestRefusedException.Invalid(
                $"'{path}.function.name' is missing, or no name of a function",
                path + ".function.name");
        }

        json.WriteStartObject();
        if (call.Text("id") is { } id)
        {
            json.WriteString("id"u8, id);
        }

        json.WriteString("type"u8, "function"u8);
        json.WriteStartObject("function"u8);
        json.WriteString("name"u8, name);
        json.WritePropertyName("arguments"u8);
        WriteArguments(json, function.Text("arguments"), path + ".function.arguments");
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteArguments(Utf8JsonWriter json, string? text, string path)
    {
        try
        {
            var given = string.IsNullOrWhiteSpace(text) ? "{}" : text;
            using var arguments = JsonDocument.Parse(given, Arguments);
            if (arguments.RootElement.ValueKind == JsonValueKind.Object)
            {
                arguments.RootElement.WriteTo(json);
                return;
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Refused below, like everything that is no object.
        }

        throw RequestRefusedException.Invalid($"'{path}' must be the text of a JSON object", path);
    }
}
