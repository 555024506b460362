// The body of a request for a completion. The fields that every request has are written once.

using System.Buffers;
using System.Text.Json;

namespace NanoFlow.Benchmarks;

internal sealed class CompletionFields
{
    private static readonly string[] Reserved =
        ["model", "prompt", "max_tokens", "stream", "stream_options", "n"];

    private readonly JsonProperty[] _shared;

    /// <param name="extra">Fields to send besides or instead of the others; an object.</param>
    public CompletionFields(string model, double temperature, bool ignoreEos, JsonElement extra)
    {
        var own = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(own))
        {
            json.WriteStartObject();
            json.WriteString("model"u8, model);
            json.WriteNumber("temperature"u8, temperature);
            json.WriteBoolean("ignore_eos"u8, ignoreEos);
            json.WriteBoolean("stream"u8, true);
            json.WriteStartObject("stream_options"u8);
            json.WriteBoolean("include_usage"u8, true);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        var fields = JsonDocument.Parse(own.WrittenMemory).RootElement;
        _shared =
        [
            .. fields.EnumerateObject().Where(field => !extra.TryGetProperty(field.Name, out _)),
            .. extra.EnumerateObject(),
        ];
    }

    /// <summary>Fields of one request to send besides those that the client needs itself.</summary>
    public static bool TryReadExtra(string text, out JsonElement extra)
    {
        extra = default;
        try
        {
            extra = JsonDocument.Parse(text).RootElement;

            // What can be written can be sent: text in JSON need not be Unicode.
            using var json = new Utf8JsonWriter(Stream.Null);
            extra.WriteTo(json);
            return extra.ValueKind == JsonValueKind.Object
                && !extra.EnumerateObject().Any(field => Reserved.Contains(field.Name));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    public static string ExtraRange { get; } =
        $"a JSON object without {string.Join(", ", Reserved)}";

    public ReadOnlyMemory<byte> Write(ReadOnlySpan<int> prompt, int maxTokens)
    {
        var body = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(body);
        json.WriteStartObject();
        foreach (var field in _shared)
        {
            field.WriteTo(json);
        }
        json.WriteNumber("max_tokens"u8, maxTokens);
        json.WriteStartArray("prompt"u8);
        foreach (var token in prompt)
        {
            json.WriteNumberValue(token);
        }
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return body.WrittenMemory;
    }
}
