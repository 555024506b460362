// `prompt` of /v1/completions: a string, a list of strings, a list of token ids, or a list of
// lists of token ids.

using System.Text.Json;

namespace NanoFlow.Server.Protocol;

/// <summary>One prompt: text still to be tokenized, or token ids.</summary>
internal readonly record struct Prompt(string? Text, int[]? Tokens);

internal static class PromptField
{
    private const string Name = "prompt";

    public static IReadOnlyList<Prompt> Parse(RequestFields fields, int vocabSize)
    {
        if (!fields.TryGet(Name, out var value))
        {
            throw RequestRefusedException.Invalid("'prompt' is missing", Name);
        }

        if (value.ValueKind == JsonValueKind.String)
        {
            return [TextPrompt(value)];
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            throw Wrong();
        }

        if (value.GetArrayLength() == 0)
        {
            throw Empty();
        }

        if (value[0].ValueKind == JsonValueKind.Number)
        {
            return [new Prompt(null, TokenIds(value, vocabSize))];
        }

        if (value.GetArrayLength() > ServerLimits.MaxChoices)
        {
            throw RequestRefusedException.Invalid(
                $"'prompt' may hold at most {ServerLimits.MaxChoices} prompts", Name);
        }

        return value.EnumerateArray().Select(item => One(item, vocabSize)).ToArray();
    }

    private static Prompt One(JsonElement value, int vocabSize) => value.ValueKind switch
    {
        JsonValueKind.String => TextPrompt(value),
        JsonValueKind.Array => new Prompt(null, TokenIds(value, vocabSize)),
        _ => throw Wrong(),
    };

    private static Prompt TextPrompt(JsonElement value)
    {
        var text = RequestFields.TextOf(value, Name);
        return text.Length == 0 ? throw Empty() : new Prompt(text, null);
    }

    private static int[] TokenIds(JsonElement list, int vocabSize)
    {
        if (list.GetArrayLength() == 0)
        {
            throw Empty();
        }

        var ids = new int[list.GetArrayLength()];
        var i = 0;
        foreach (var item in list.EnumerateArray())
        {
            ids[i++] = StopFields.TokenId(item, vocabSize, Name);
        }

        return ids;
    }

    private static RequestRefusedException Empty() =>
        RequestRefusedException.Invalid("'prompt' is empty", Name);

    private static RequestRefusedException Wrong() => RequestRefusedException.Invalid(
        "'prompt' must be a string, a list of strings, a list of token ids, or a list of lists "
        + "of token ids",
        Name);
}
