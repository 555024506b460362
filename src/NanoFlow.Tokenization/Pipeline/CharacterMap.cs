// SentencePiece's precompiled character map: a double-array trie (Darts) from UTF-8 sequences to
// offsets into a block of replacements that end in NUL. A short grapheme that begins with a key is
// replaced whole, as the published vocabularies were made; else each of its characters by itself.
// Every node number comes from the file, so each is checked before it is used.

using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace NanoFlow.Tokenization.Pipeline;

internal sealed class CharacterMap
{
    // Longer graphemes are looked up character by character.
    private const int LongestGrapheme = 5;

    private readonly uint[] _nodes;
    private readonly byte[] _replacements;

    public CharacterMap(FileNode node)
    {
        var blob = Decode(node);
        var size = blob.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(blob) : 0;
        if (size == 0 || size % 4 != 0 || size > blob.Length - 4)
        {
            throw node.Error("'precompiled_charsmap' must begin with the size of its trie, a "
                + $"multiple of 4 within its {blob.Length} bytes");
        }
        _nodes = new uint[size / 4];
        for (var i = 0; i < _nodes.Length; i++)
        {
            _nodes[i] = BinaryPrimitives.ReadUInt32LittleEndian(blob.AsSpan(4 + i * 4));
        }
        _replacements = blob[(4 + (int)size)..];
    }

    public string Apply(string text)
    {
        var result = new StringBuilder(text.Length);
        for (var at = 0; at < text.Length;)
        {
            var length = StringInfo.GetNextTextElementLength(text.AsSpan(at));
            AppendGrapheme(text.AsSpan(at, length), result);
            at += length;
        }
        return result.ToString();
    }

    private static byte[] Decode(FileNode node)
    {
        try
        {
            return Convert.FromBase64String(node.Text("precompiled_charsmap"));
        }
        catch (FormatException e)
        {
            throw new TokenizerFormatException(
                node.Error("'precompiled_charsmap' must be base64").Message, e);
        }
    }

    private void AppendGrapheme(ReadOnlySpan<char> grapheme, StringBuilder result)
    {
        if (Encoding.UTF8.GetByteCount(grapheme) <= LongestGrapheme
            && TryAppendReplacement(grapheme, result))
        {
            return;
        }
        for (var at = 0; at < grapheme.Length;)
        {
            Rune.DecodeFromUtf16(grapheme[at..], out _, out var length);
            var character = grapheme.Slice(at, length);
            if (!TryAppendReplacement(character, result))
            {
                result.Append(character);
            }
            at += length;
        }
    }

    private bool TryAppendReplacement(ReadOnlySpan<char> text, StringBuilder result)
    {
        Span<byte> utf8 = stackalloc byte[LongestGrapheme];
        var start = ShortestKey(utf8[..Encoding.UTF8.GetBytes(text, utf8)]);
        if (start < 0 || start > _replacements.Length)
        {
            return false;
        }
        var replacement = _replacements.AsSpan(start);
        var end = replacement.IndexOf((byte)0);
        result.Append(Encoding.UTF8.GetString(end < 0 ? replacement : replacement[..end]));
        return true;
    }

    // The value of the shortest key that the bytes begin with, or -1. Bits of a node: 0-7 the byte
    // that leads to it, 8 whether a value hangs on it, 9 a scale of 256 for the offset, 10-30 the
    // offset of its children, which is XORed; 31 marks a value (in the low 31 bits).
    private int ShortestKey(ReadOnlySpan<byte> key)
    {
        var at = OffsetOf(_nodes[0]);
        foreach (var b in key)
        {
            at ^= b;
            if (b == 0 || at >= _nodes.Length || (_nodes[at] & 0x800000FF) != b)
            {
                return -1;
            }
            var node = _nodes[at];
            at ^= OffsetOf(node);
            if ((node >> 8 & 1) != 0)
            {
                return at < _nodes.Length ? (int)(_nodes[at] & int.MaxValue) : -1;
            }
        }
        return -1;
    }

    private static uint OffsetOf(uint node) => node >> 10 << (int)((node & 1 << 9) >> 6);
}
