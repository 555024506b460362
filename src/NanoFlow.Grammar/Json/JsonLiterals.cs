using System.Text.Json;
using NanoFlow.Grammar.Machine;

namespace NanoFlow.Grammar.Json;

/// <summary>Fixed values: enum and const.</summary>
internal static class JsonLiterals
{
    public static JsonTypes TypesOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => JsonTypes.Object,
        JsonValueKind.Array => JsonTypes.Array,
        JsonValueKind.String => JsonTypes.String,
        JsonValueKind.True or JsonValueKind.False => JsonTypes.Boolean,
        JsonValueKind.Null => JsonTypes.Null,
        _ => value.TryGetDecimal(out var number) && number == Math.Floor(number)
            ? JsonTypes.Number | JsonTypes.Integer
            : JsonTypes.Number,
    };

    /// <summary>One of the texts, as a tree: those that begin alike are read together, so that ten
    /// thousand of them are one way of reading and not ten thousand.</summary>
    public static int OneOf(ProgramBuilder builder, byte[][] texts, int next)
    {
        Array.Sort(texts, static (a, b) => a.AsSpan().SequenceCompareTo(b));
        return Tree(builder, texts, 0, next);
    }

    private static int Tree(ProgramBuilder builder, ReadOnlySpan<byte[]> texts, int depth, int next)
    {
        if (texts.IsEmpty)
        {
            return builder.Fail;
        }
        // A text that is alone is written without recursion, however long it is.
        if (texts.Length == 1 || texts[0].AsSpan().SequenceEqual(texts[^1]))
        {
            return builder.Bytes(texts[0].AsSpan(depth), next);
        }
        var shared = texts[0].AsSpan(depth).CommonPrefixLength(texts[^1].AsSpan(depth));
        var fork = depth + shared;
        var entry = builder.Fail;
        for (var begin = 0; begin < texts.Length;)
        {
            if (texts[begin].Length == fork)
            {
                entry = builder.Split(entry, next);
                begin++;
                continue;
            }
            var end = begin + 1;
            while (end < texts.Length && texts[end][fork] == texts[begin][fork])
            {
                end++;
            }
            entry = builder.Split(entry, Tree(builder, texts[begin..end], fork, next));
            begin = end;
        }
        return builder.Bytes(texts[0].AsSpan(depth, shared), entry);
    }
}
