// What a server says is wrong: the message of an error object, in the forms that servers have.

using System.Text;
using System.Text.Json;

namespace NanoFlow.Benchmarks;

internal static class ErrorText
{
    /// <summary>Of a whole body: its message, or its text where it is no JSON.</summary>
    public static string Of(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            return Of(json.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON, or JSON with text that is no Unicode.
            return Encoding.UTF8.GetString(body.Span);
        }
    }

    /// <summary>{"error":{"message":…}}, {"message":…}, {"error":"…"}, or else the JSON.</summary>
    public static string Of(JsonElement error)
    {
        foreach (var name in (ReadOnlySpan<string>)["error", "message", "detail"])
        {
            if (error.ValueKind == JsonValueKind.Object
                && error.TryGetProperty(name, out var inner))
            {
                return Of(inner);
            }
        }
        return error.ValueKind == JsonValueKind.String ? error.GetString()! : error.GetRawText();
    }
}
