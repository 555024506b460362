// What all chunks of one response share, and the JSON around their choices.

using System.Text.Json;

namespace NanoFlow.Server.Responses;

/// <param name="Created">Seconds since 1970.</param>
internal sealed record ResponseHead(string Id, long Created, string Model)
{
    public static ResponseHead New(string prefix, string model, TimeProvider time) =>
        new(prefix + Guid.NewGuid().ToString("N"), time.GetUtcNow().ToUnixTimeSeconds(), model);

    public void Write(Utf8JsonWriter json, string objectName)
    {
        json.WriteString("id"u8, Id);
        json.WriteString("object"u8, objectName);
        json.WriteNumber("created"u8, Created);
        json.WriteString("model"u8, Model);
    }
}

/// <param name="ReasoningTokens">Completion tokens that were thoughts.</param>
internal readonly record struct Usage(
    int PromptTokens, int CompletionTokens, int ReasoningTokens)
{
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, PromptTokens);
        json.WriteNumber("completion_tokens"u8, CompletionTokens);
        json.WriteNumber("total_tokens"u8, PromptTokens + CompletionTokens);

        // Prompts are computed in full: no part of one is kept for the next.
        json.WriteStartObject("prompt_tokens_details"u8);
        json.WriteNumber("cached_tokens"u8, 0);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
