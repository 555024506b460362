// tokenizer.ggml.model "gpt2": byte-level byte-pair encoding with a list of merges. How text is cut
// into pieces the file states by a name only, tokenizer.ggml.pre.

using NanoFlow.Tokenization.Models;
using NanoFlow.Tokenization.Pipeline;

namespace NanoFlow.Tokenization.Gguf;

internal static class ByteLevelParts
{
    private const string MergesKey = GgufMetadata.Prefix + "merges";
    private const string SplitKey = GgufMetadata.Prefix + "pre";

    public static TokenizerParts Build(GgufMetadata metadata, GgufVocabulary vocabulary)
    {
        var ids = vocabulary.Ids();
        var name = metadata.OptionalText(SplitKey) ?? GgufSplits.Default;
        var split = GgufSplits.Find(name)
            ?? throw metadata.Error(
                SplitKey, $"'{name}' is not supported, known: {GgufSplits.Names}");
        return new TokenizerParts
        {
            Model = new BpeModel(
                ids,
                ReadMerges(metadata, ids),
                new BpeOptions { IgnoreMerges = split.IgnoresMerges }),
            Tokens = vocabulary.Texts.Select(static (text, id) => (text, id)),
            Added = vocabulary.Added(),
            Normalize = split.Composes
                ? new NormalForm(compatible: false, compose: true).Apply
                : null,
            PreTokenizer = GgufSplits.PreTokenizer(metadata, split),
            Template = GgufTokenizer.Template(metadata, vocabulary, split.AddsBos),
            Decoder = GgufTokenizer.Part(
                metadata, """{"type":"ByteLevel"}""", static node => TokenDecoder.Read(node)),
        };
    }

    private static BpeMerges ReadMerges(GgufMetadata metadata, Dictionary<string, int> ids)
    {
        var texts = metadata.Strings(MergesKey);
        var lookup = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new List<(int Left, int Right, int Merged)>(texts.Count);
        foreach (var text in texts)
        {
            // A part may itself be a space in no byte-level vocabulary.
            var space = text.IndexOf(' ', StringComparison.Ordinal);
            var merged = -1;
            var right = -1;
            var found = space > 0 && lookup.TryGetValue(text.AsSpan(0, space), out var left)
                && lookup.TryGetValue(text.AsSpan(space + 1), out right)
                && ids.TryGetValue(text.Remove(space, 1), out merged)
                ? (left, right, merged)
                : throw metadata.Error(
                    $"{MergesKey}[{merges.Count}]",
                    "must be two tokens with one space between, which together are a third token");
            merges.Add(found);
        }
        return new BpeMerges(merges);
    }
}
