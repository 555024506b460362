// tokenizer.ggml.model "llama": SentencePiece's byte-pair encoding. There is no list of merges: any
// two neighbours whose texts together are a token may merge, that of the highest score first, of
// equals the leftmost. So merges are made here, one for every way to cut a token into two others.

using NanoFlow.Tokenization.Models;
using NanoFlow.Tokenization.Pipeline;

namespace NanoFlow.Tokenization.Gguf;

internal static class SentencePieceParts
{
    private const string ScoresKey = GgufMetadata.Prefix + "scores";
    private const string TokensKey = GgufMetadata.Prefix + "tokens";

    // SentencePiece's own default is 16. Every cut of a token is looked up, so long ones are dear.
    private const int LongestMergedToken = 256;

    private const string SpaceReplacement =
        """{"type":"Replace","pattern":{"String":" "},"content":"▁"}""";

    private const string DecoderSteps =
        """
        {"type":"Replace","pattern":{"String":"▁"},"content":" "},
        {"type":"ByteFallback"}, {"type":"Fuse"}
        """;

    public static TokenizerParts Build(GgufMetadata metadata, GgufVocabulary vocabulary)
    {
        var ids = vocabulary.Ids();
        var prefixes =
            metadata.OptionalFlag(GgufMetadata.Prefix + "add_space_prefix") ?? true;
        var prefix = prefixes ? """{"type":"Prepend","prepend":"▁"},""" : "";
        var strip = prefixes ? """,{"type":"Strip","content":" ","start":1,"stop":0}""" : "";
        var normalizer =
            $$"""{"type":"Sequence","normalizers":[{{prefix}}{{SpaceReplacement}}]}""";
        var decoder = $$"""{"type":"Sequence","decoders":[{{DecoderSteps}}{{strip}}]}""";
        return new TokenizerParts
        {
            Model = new BpeModel(ids, Merges(metadata, vocabulary, ids), new BpeOptions
            {
                ByteFallback = true,
                FuseUnknown = true,
                UnknownId = UnknownId(metadata, vocabulary),
            }),
            Tokens = vocabulary.Texts.Select(static (text, id) => (text, id)),
            Added = vocabulary.Added(),
            Normalize = GgufTokenizer.Part(metadata, normalizer, Normalizer.Read),
            Template = GgufTokenizer.Template(metadata, vocabulary, addsBos: true),
            Decoder = GgufTokenizer.Part(
                metadata, decoder, static node => TokenDecoder.Read(node)),
        };
    }

    private static int UnknownId(GgufMetadata metadata, GgufVocabulary vocabulary) =>
        GgufTokenizer.Id(metadata, vocabulary, "unknown")
            ?? Array.IndexOf(vocabulary.Kinds, GgufTokenKind.Unknown);

    private static BpeMerges Merges(
        GgufMetadata metadata, GgufVocabulary vocabulary, Dictionary<string, int> ids)
    {
        var lookup = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new List<(int Left, int Right, int Merged)>();
        for (var id = 0; id < vocabulary.Texts.Length; id++)
        {
            var text = vocabulary.Texts[id];
            if (!IsMerged(vocabulary.Kinds[id]) || ids[text] != id)
            {
                continue;
            }
            if (text.Length > LongestMergedToken)
            {
                throw metadata.Error(
                    $"{TokensKey}[{id}]",
                    $"has {text.Length} characters, at most {LongestMergedToken} are allowed for a "
                    + "token made by merges");
            }
            for (var cut = 1; cut < text.Length; cut++)
            {
                if (lookup.TryGetValue(text.AsSpan(0, cut), out var left)
                    && lookup.TryGetValue(text.AsSpan(cut), out var right)
                    && IsMerged(vocabulary.Kinds[left]) && IsMerged(vocabulary.Kinds[right]))
                {
                    merges.Add((left, right, id));
                }
            }
        }
        return new BpeMerges(merges, Ranks(metadata, vocabulary.Texts.Length));
    }

    // Control tokens and bytes are never part of a merge.
    private static bool IsMerged(GgufTokenKind kind) =>
        kind is GgufTokenKind.Normal or GgufTokenKind.UserDefined or GgufTokenKind.Unused;

    // The higher the score the lower the rank; equal scores have equal ranks.
    private static int[] Ranks(GgufMetadata metadata, int count)
    {
        var scores = metadata.OptionalNumbers(ScoresKey, count)
            ?? throw metadata.Error(ScoresKey, "is missing");
        var descending = new double[count];
        for (var id = 0; id < count; id++)
        {
            descending[id] = double.IsFinite(scores[id])
                ? -scores[id]
                : throw metadata.Error($"{ScoresKey}[{id}]", "must be a finite number");
        }
        var order = Enumerable.Range(0, count).ToArray();
        Array.Sort((double[])descending.Clone(), order);
        var ranks = new int[count];
        for (var i = 1; i < count; i++)
        {
            var isEqual = descending[order[i]] == descending[order[i - 1]];
            ranks[order[i]] = ranks[order[i - 1]] + (isEqual ? 0 : 1);
        }
        return ranks;
    }
}
