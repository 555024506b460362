// What a chat template is rendered with: the messages and tools as the client sent them, the
// special tokens of the tokenizer, further variables, and the limits that keep a hostile or broken
// template from holding a thread or filling the memory.

using System.Text.Json;

namespace NanoFlow.Tokenization;

public sealed record ChatTemplateInput
{
    // A JSON array of objects with at least role and content.
    public required JsonElement Messages { get; init; }

    // A JSON array, or null when the request has none.
    public JsonElement? Tools { get; init; }

    public bool AddGenerationPrompt { get; init; } = true;

    public string? BosToken { get; init; }

    public string? EosToken { get; init; }

    // Applied to every string that comes from the client, such as Tokenizer.GuardSpecialTokens.
    public Func<string, string>? Guard { get; init; }

    // Further variables (chat_template_kwargs); they may not hide the ones above.
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } =
        new Dictionary<string, JsonElement>();

    public ChatTemplateLimits Limits { get; init; } = ChatTemplateLimits.Default;

    // The clock of the time limit and of strftime_now.
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}

public sealed record ChatTemplateLimits
{
    public static readonly ChatTemplateLimits Default = new();

    public int OutputCharacters { get; init; } = 16 * 1024 * 1024;

    // Evaluated nodes; making long strings counts as well.
    public int Nodes { get; init; } = 1_000_000;

    // Macros within macros.
    public int Recursion { get; init; } = 64;

    public TimeSpan Time { get; init; } = TimeSpan.FromMilliseconds(100);
}
