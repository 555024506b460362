using System.Text.Json;

namespace NanoFlow.Server.Tests;

/// <summary>A response, read to its end.</summary>
public sealed record Answer(
    int Status, string Text, string? ContentType, IReadOnlyDictionary<string, string> Headers)
{
    private JsonElement? _json;

    public JsonElement Json => _json ??= JsonDocument.Parse(Text).RootElement.Clone();

    public JsonElement Error => Json.GetProperty("error");

    public string? Code => Error.GetProperty("code").GetString();

    public string? Param => Error.GetProperty("param").GetString();

    public JsonElement Choice(int index) => Json.GetProperty("choices")[index];

    public string? FirstText => Choice(0).TryGetProperty("text", out var text)
        ? text.GetString()
        : Choice(0).GetProperty("message").GetProperty("content").GetString();

    /// <summary>The data of each event of a stream, without its end mark.</summary>
    public IReadOnlyList<JsonElement> Events => Text.Split("\n\n")
        .Where(part => part.StartsWith("data: {", StringComparison.Ordinal))
        .Select(part => JsonDocument.Parse(part["data: ".Length..]).RootElement.Clone())
        .ToArray();

    public static async Task<Answer> ReadAsync(HttpResponseMessage response)
    {
        var headers = response.Headers.Concat(response.Content.Headers).ToDictionary(
            header => header.Key,
            header => string.Join(", ", header.Value),
            StringComparer.OrdinalIgnoreCase);
        return new Answer(
            (int)response.StatusCode,
            await response.Content.ReadAsStringAsync(),
            response.Content.Headers.ContentType?.ToString(),
            headers);
    }
}
