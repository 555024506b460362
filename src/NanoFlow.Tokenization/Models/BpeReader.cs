// Reads a BPE model from a tokenizer file: the vocabulary, the merges in either spelling ("a b" or
// ["a","b"]) and the options. A merge must join two tokens into a third.

using System.Text.Json;
using NanoFlow.Tokenization.Pipeline;

namespace NanoFlow.Tokenization.Models;

internal static class BpeReader
{
    public static BpeModel Read(FileNode node)
    {
        RefuseDropout(node);
        var tokens = VocabularyReader.Read(node.Child("vocab"));
        var unknown = node.OptionalText("unk_token");
        var prefix = node.OptionalText("continuing_subword_prefix") ?? "";
        var merges = ReadMerges(node.Child("merges"), tokens, prefix);
        return new BpeModel(tokens, merges, new BpeOptions
        {
            IgnoreMerges = node.Flag("ignore_merges", absent: false),
            ByteFallback = node.Flag("byte_fallback", absent: false),
            FuseUnknown = node.Flag("fuse_unk", absent: false),
            UnknownId = unknown is null
                ? -1
                : VocabularyReader.UnknownId(node, tokens, unknown),
            ContinuingPrefix = prefix,
            EndSuffix = node.OptionalText("end_of_word_suffix") ?? "",
        });
    }

    private static void RefuseDropout(FileNode node)
    {
        if (node.Optional("dropout") is { } dropout
            && !(dropout.Element.TryGetDouble(out var rate) && rate == 0))
        {
            throw node.Error("'dropout' is for training; it must be absent or 0");
        }
    }

    private static BpeMerges ReadMerges(
        FileNode merges, Dictionary<string, int> tokens, string prefix)
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
            // The merged token keeps the prefix of its left part only.
            var joined = left + right[Math.Min(prefix.Length, right.Length)..];
            var found = tokens.TryGetValue(left, out var leftId)
                & tokens.TryGetValue(right, out var rightId)
                & tokens.TryGetValue(joined, out var mergedId);
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
