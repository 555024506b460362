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
        var merges = new BpeMerges(
            [.. node.Items("merges").Select(merge => ReadMerge(merge, tokens))]);
        return new BpeModel(tokens, merges, new BpeOptions
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

    private static (int Left, int Right, int Merged) ReadMerge(
        FileNode merge, Dictionary<string, int> tokens)
    {
        var (left, right) = SplitMerge(merge);
        var found = tokens.TryGetValue(left, out var leftId)
            & tokens.TryGetValue(right, out var rightId)
            & tokens.TryGetValue(left + right, out var mergedId);
        return found
            ? (leftId, rightId, mergedId)
            : throw merge.Error($"'{left}' + '{right}' is not made of tokens of the vocabulary");
    }

    private static (string Left, string Right) SplitMerge(FileNode merge)
    {
        if (merge.Element.ValueKind == JsonValueKind.Array)
        {
            var parts = merge.AsItems().ToArray();
            return parts.Length == 2
                ? (parts[0].AsText(), parts[1].AsText())
                : throw merge.Error("must have two parts");
        }
        var text = merge.AsText();
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        return space > 0 && text.IndexOf(' ', space + 1) < 0
            ? (text[..space], text[(space + 1)..])
            : throw merge.Error("must be two tokens with one space between");
    }
}
