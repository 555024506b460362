// The model of a tokenizer turns one piece of text into token ids. Each kind is a class and a line
// in the table below.

using NanoFlow.Tokenization.Pipeline;

namespace NanoFlow.Tokenization.Models;

internal abstract class TokenModel
{
    private static readonly Dictionary<string, Func<FileNode, TokenModel>> Kinds = new()
    {
        ["BPE"] = BpeReader.Read,
        ["Unigram"] = UnigramReader.Read,
        ["WordPiece"] = WordPieceModel.Read,
        ["WordLevel"] = static node => new WordLevelModel(node),
    };

    // The model's own vocabulary, without added tokens.
    public abstract IReadOnlyDictionary<string, int> Tokens { get; }

    // Files of old versions leave the type out; those are BPE when they have merges.
    public static TokenModel Read(FileNode node)
    {
        var type = node.OptionalText("type") ?? (node.Optional("merges") is null ? "" : "BPE");
        return Kinds.TryGetValue(type, out var read)
            ? read(node)
            : throw node.Error($"type '{type}' is not supported");
    }

    public abstract void Encode(ReadOnlySpan<char> piece, ModelScratch scratch, List<int> ids);
}

// What a model may keep between pieces, owned by one thread at a time.
internal sealed class ModelScratch
{
    public WordCache Cache { get; } = new();

    public BpeMerger Merger { get; } = new();

    public TokenPath Path { get; } = new();

    // The longest piece that there is memory for.
    public int Capacity => Math.Max(Merger.Capacity, Path.Capacity);
}
