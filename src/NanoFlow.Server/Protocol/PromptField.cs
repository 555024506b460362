// `prompt` of /v1/completions and `input` of /v1/embeddings: a string, a list of strings, a list of
// token ids, or a list of lists of token ids.

using System.Text.Json;

namespace NanoFlow.Server.Protocol;

/// <summary>One prompt: text still to be tokenized, or token ids.</summary>
internal readonly record struct Prompt(string? Text, int[]? Tokens);

/// <param name="MaxCount">Prompts it may hold.</param>
internal sealed record PromptField(string Name, int MaxCount)
{
    public static readonly PromptField Prompt = new("prompt", ServerLimits.MaxChoices);
    public static readonly PromptField Input = new("input", ServerLimits.MaxEmbeddingInputs);

    public IReadOnlyList<Prompt> Parse(RequestFields fields, int vocabSize)
    {
        if (!fields.TryGet(Name, out var value))
        {
            throw RequestRefusedException.Invalid($"'{Name}' is missing", Name);
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

        if (value.GetArrayLength() > MaxCount)
        {
            throw RequestRefusedException.Invalid(
                $"'{Name}' may hold at most {MaxCount} prompts", Name);
        }

        return value.EnumerateArray().Select(item => One(item, vocabSize)).ToArray();
    }

    private Prompt One(JsonElement value, int vocabSize) => value.ValueKind switch
    {
        JsonValueKind.String => TextPrompt(value),
        JsonValueKind.Array => new Prompt(null, TokenIds(value, vocabSize)),
        _ => throw Wrong(),
    };

    private Prompt TextPrompt(JsonElement value)
    {
        var text = RequestFields.TextOf(value, Name);
        return text.Length == 0 ? throw Empty() : new Prompt(text, null);
    }

    private int[] TokenIds(JsonElement list, int vocabSize)
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

    private RequestRefusedException Empty() =>
        RequestRefusedException.Invalid($"'{Name}' is empty", Name);

    private RequestRefusedException Wrong() => RequestRefusedException.Invalid(
        $"'{Name}' must be a string, a list of strings, a list of token ids, or a list of lists "
        + "of token ids",
        Name);
}
