// Reads a BPE model from a tokenizer file: the vocabulary, the merges in either spelling ("a b" or
// ["a","b"]) and the options. A merge must join two tokens into a third.

using System.Text.Json;
using NanoFlow.Tokenization.Pipeline;

namespace NanoFlow.Tokenization.Models;

internal static class BpeReader
{
    public static BpeModel Read(FileNode node)
    {
        RefuseUnsupported(node);
        var tokens = ReadVocabulary(node.Child("vocab"));
        var unknown = node.OptionalText("unk_token");
        if (unknown is not null && !tokens.ContainsKey(unknown))
        {
            throw node.Error($"unk_token '{unknown}' is not in the vocabulary");
        }
        return new BpeModel(tokens, ReadMerges(node.Child("merges"), tokens), new BpeOptions
        {
            IgnoreMerges = node.Flag("ignore_merges", absent: false),
            ByteFallback = node.Flag("byte_fallback", absent: false),
            FuseUnknown = node.Flag("fuse_unk", absent: false),
            UnknownId = unknown is null ? -1 : tokens[unknown],
        });
    }

    private static void RefuseUnsupported(FileNode node)
    {
        foreach (var name in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
        {
            if (node.OptionalText(name) is { Length: > 0 })
            {
                throw node.Error($"'{name}' is not supported");
            }
        }
        if (node.Optional("dropout") is { } dropout
            && !(dropout.Element.TryGetDouble(out var rate) && rate == 0))
        {
            throw node.Error("'dropout' is for training; it must be absent or 0");
        }
    }

    private static Dictionary<string, int> ReadVocabulary(FileNode vocabulary)
    {
        if (vocabulary.Element.ValueKind != JsonValueKind.Object)
        {
            throw vocabulary.Error("must be an object of token texts and ids");
        }
        var tokens = new Dictionary<string, int>();
        foreach (var property in vocabulary.Element.EnumerateObject())
        {
            var valid = property.Name.Length <= VocabularyLimits.TokenLength
                && property.Value.ValueKind == JsonValueKind.Number
                && property.Value.TryGetInt32(out var id)
                && id is >= 0 and <= VocabularyLimits.MaximumId;
            tokens[property.Name] = valid
                ? property.Value.GetInt32()
                : throw vocabulary.Error(
                    $"entry {tokens.Count}: must be a token of at most "
                    + $"{VocabularyLimits.TokenLength} characters with an id from 0 to "
                    + $"{VocabularyLimits.MaximumId}");
        }
        return tokens;
    }

    private static BpeMerges ReadMerges(FileNode merges, Dictionary<string, int> tokens)
    {
        if (merges.Element.ValueKind != JsonValueKind.Array)
        {
            throw merges.Error("must be an array");
        }
        var byRank = new List<(int Left, int Right, int Merged)>(merges.Element.GetArrayLength());
        foreach (var element in merges.Element.EnumerateArray())
        {
            var (left, right) = SplitMerge(element)
                ?? throw merges.Error(
                    $"entry {byRank.Count}: must be \"a b\" with one space or [\"a\", \"b\"]");
            var found = tokens.TryGetValue(left, out var leftId)
                & tokens.TryGetValue(right, out var rightId)
                & tokens.TryGetValue(left + right, out var mergedId);
            byRank.Add(found
                ? (leftId, rightId, mergedId)
                : throw merges.Error($"entry {byRank.Count}: '{left}' + '{right}' "
                    + "is not made of tokens of the vocabulary"));
        }
        return new BpeMerges(byRank);
    }

    private static (string Left, string Right)? SplitMerge(JsonElement merge)
    {
        if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2
            && merge[0].ValueKind == JsonValueKind.String
            && merge[1].ValueKind == JsonValueKind.String)
        {
            return (merge[0].GetString()!, merge[1].GetString()!);
        }
        if (merge.ValueKind != JsonValueKind.String)
        {
            return null;
        }
        var text = merge.GetString()!;
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        return space > 0 && text.IndexOf(' ', space + 1) < 0
            ? (text[..space], text[(space + 1)..])
            : null;
    }
}
