using NanoFlow.Grammar.Masks;
using NanoFlow.Tokenization;

namespace NanoFlow.Grammar;

/// <summary>The tokens of a model as grammars see them: bytes that text is made of, and the tokens
/// that end it. Special tokens are neither. Immutable.</summary>
public sealed class GrammarVocabulary
{
    private readonly byte[][] _bytes;
    private readonly HashSet<int> _ends;

    /// <param name="size">Tokens of the model; a tokenizer may have fewer or more.</param>
    /// <param name="bytesOf">What a token stands for; empty: it is no text.</param>
    /// <param name="endTokens">Allowed where the text may end.</param>
    public GrammarVocabulary(int size, Func<int, byte[]> bytesOf, IEnumerable<int> endTokens)
    {
        ArgumentNullException.ThrowIfNull(bytesOf);
        _ends = [.. endTokens];
        _bytes = new byte[size][];
        for (var id = 0; id < size; id++)
        {
            _bytes[id] = _ends.Contains(id) ? [] : bytesOf(id);
        }
        Size = size;
        Trie = new TokenTrie(_bytes.Select(
            static (bytes, id) => (id, (ReadOnlyMemory<byte>)bytes)));
    }

    public int Size { get; }

    /// <summary>Words of a mask.</summary>
    public int MaskWords => (Size + 31) / 32;

    internal TokenTrie Trie { get; }

    internal IEnumerable<int> EndTokens => _ends;

    /// <param name="tokenizer">Knows the bytes of tokens.</param>
    /// <param name="size">Tokens of the model.</param>
    /// <param name="endTokens">Allowed where the text may end.</param>
    /// <param name="shown">Special tokens that are text all the same.</param>
    public static GrammarVocabulary Of(
        Tokenizer tokenizer, int size, IEnumerable<int> endTokens, IReadOnlySet<int> shown)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(shown);
        return new GrammarVocabulary(
            size,
            id => tokenizer.IsSpecial(id) && !shown.Contains(id)
                ? []
                : tokenizer.TokenBytes(id).ToArray(),
            endTokens);
    }

    internal ReadOnlySpan<byte> Bytes(int token) =>
        (uint)token < (uint)_bytes.Length ? _bytes[token] : [];

    internal bool IsEnd(int token) => _ends.Contains(token);
}
