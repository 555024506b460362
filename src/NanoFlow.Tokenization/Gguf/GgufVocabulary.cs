// The tokens of a GGUF file with what it says of each: text, kind, score.

using NanoFlow.Tokenization.Pipeline;

namespace NanoFlow.Tokenization.Gguf;

// The format's own numbers.
internal enum GgufTokenKind
{
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

internal sealed class GgufVocabulary
{
    private const string TokensKey = GgufMetadata.Prefix + "tokens";
    private const string KindsKey = GgufMetadata.Prefix + "token_type";

    public GgufVocabulary(GgufMetadata metadata)
    {
        var texts = metadata.Strings(TokensKey);
        if (texts.Count is 0 or > VocabularyLimits.MaximumId + 1)
        {
            throw metadata.Error(
                TokensKey,
                $"has {texts.Count} tokens, 1 to {VocabularyLimits.MaximumId + 1} are allowed");
        }
        Texts = ReadTexts(metadata, texts);
        Kinds = ReadKinds(metadata, Texts.Length);
    }

    public string[] Texts { get; }

    public GgufTokenKind[] Kinds { get; }

    // Where two ids share a text, the last one is what the text becomes.
    public Dictionary<string, int> Ids()
    {
        var ids = new Dictionary<string, int>(Texts.Length);
        for (var id = 0; id < Texts.Length; id++)
        {
            ids[Texts[id]] = id;
        }
        return ids;
    }

    // Tokens that are found in the text before the model sees it; their kind says whether they are
    // special.
    public IReadOnlyList<AddedToken> Added() =>
    [
        .. Texts.Index()
            .Where(token => token.Item.Length > 0 && Kinds[token.Index]
                is GgufTokenKind.Control or GgufTokenKind.Unknown or GgufTokenKind.UserDefined)
            .Select(token => new AddedToken(token.Item, token.Index)
            {
                Special = Kinds[token.Index] != GgufTokenKind.UserDefined,
            }),
    ];

    private static string[] ReadTexts(GgufMetadata metadata, IReadOnlyList<string> texts)
    {
        var copy = new string[texts.Count];
        for (var id = 0; id < copy.Length; id++)
        {
            copy[id] = texts[id];
            if (copy[id].Length > VocabularyLimits.TokenLength)
            {
                throw metadata.Error(
                    $"{TokensKey}[{id}]",
                    $"has {copy[id].Length} characters, at most {VocabularyLimits.TokenLength} "
                    + "are allowed");
            }
        }
        return copy;
    }

    private static GgufTokenKind[] ReadKinds(GgufMetadata metadata, int count)
    {
        var kinds = new GgufTokenKind[count];
        var stated = metadata.OptionalNumbers(KindsKey, count);
        for (var id = 0; id < count; id++)
        {
            var kind = stated?[id] ?? (double)GgufTokenKind.Normal;
            kinds[id] = kind is >= (double)GgufTokenKind.Normal and <= (double)GgufTokenKind.Byte
                && double.IsInteger(kind)
                ? (GgufTokenKind)(int)kind
                : throw metadata.Error(
                    $"{KindsKey}[{id}]",
                    $"must be an integer from {(int)GgufTokenKind.Normal} to "
                    + $"{(int)GgufTokenKind.Byte}");
        }
        return kinds;
    }
}
