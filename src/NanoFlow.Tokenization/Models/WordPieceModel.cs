// BERT's model: from left to right always the longest token that fits, where all but the first of
// a word carry a prefix ("##"). A word that cannot be covered, or that is longer than the model
// allows, is the unknown token as a whole.

using NanoFlow.Tokenization.Pipeline;

namespace NanoFlow.Tokenization.Models;

internal sealed class WordPieceModel : TokenModel
{
    // In characters; what BERT itself allows.
    public const int DefaultLongestWord = 100;

    private readonly Dictionary<string, int> _tokens;
    private readonly TokenTrie _starts = new();

    // Tokens with the prefix, without it.
    private readonly TokenTrie _continuations = new();
    private readonly int _unknownId;
    private readonly int _longestWord;

    public WordPieceModel(
        Dictionary<string, int> tokens, int unknownId, string prefix, int longestWord)
    {
        _tokens = tokens;
        _unknownId = unknownId;
        _longestWord = longestWord;
        foreach (var (text, id) in _tokens)
        {
            _starts.Add(text, id);
            if (text.StartsWith(prefix, StringComparison.Ordinal))
            {
                _continuations.Add(text.AsSpan(prefix.Length), id);
            }
        }
    }

    public override IReadOnlyDictionary<string, int> Tokens => _tokens;

    public static new WordPieceModel Read(FileNode node)
    {
        var tokens = VocabularyReader.Read(node.Child("vocab"));
        return new WordPieceModel(
            tokens,
            VocabularyReader.UnknownId(node, tokens, node.OptionalText("unk_token") ?? "[UNK]"),
            node.OptionalText("continuing_subword_prefix") ?? "##",
            node.Optional("max_input_chars_per_word") is { } limit
                ? limit.AsInteger(0, int.MaxValue)
                : DefaultLongestWord);
    }

    public override void Encode(ReadOnlySpan<char> piece, ModelScratch scratch, List<int> ids)
    {
        var before = ids.Count;
        var tokens = CountRunes(piece) <= _longestWord ? _starts : null;
        while (tokens is not null && !piece.IsEmpty)
        {
            var (id, length) = tokens.Longest(piece);
            if (length == 0)
            {
                break;
            }
            ids.Add(id);
            piece = piece[length..];
            tokens = _continuations;
        }
        if (!piece.IsEmpty)
        {
            ids.RemoveRange(before, ids.Count - before);
            ids.Add(_unknownId);
        }
    }

    private static int CountRunes(ReadOnlySpan<char> text)
    {
        var count = 0;
        foreach (var c in text)
        {
            count += char.IsLowSurrogate(c) ? 0 : 1;
        }
        return count;
    }
}
