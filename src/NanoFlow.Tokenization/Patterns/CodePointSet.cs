// An immutable set of code points for matching. ASCII is answered from two words; the rest from a
// two-level bitmap whose equal pages are stored once, so a typical class costs a few KiB.

using System.Text;

namespace NanoFlow.Tokenization.Patterns;

internal sealed class CodePointSet
{
    private const int PageBits = 8;
    private const int WordsPerPage = (1 << PageBits) / 64;

    private readonly ulong _asciiLow;
    private readonly ulong _asciiHigh;
    private readonly ushort[] _pageOf = new ushort[CodePointBits.CodePointCount >> PageBits];
    private readonly ulong[] _pages;

    public CodePointSet(CodePointBits bits)
    {
        var words = bits.Words;
        _asciiLow = words[0];
        _asciiHigh = words[1];
        var pages = new List<ulong>();
        var known = new Dictionary<(ulong, ulong, ulong, ulong), ushort>();
        for (var page = 0; page < _pageOf.Length; page++)
        {
            var w = words.Slice(page * WordsPerPage, WordsPerPage);
            var key = (w[0], w[1], w[2], w[3]);
            if (!known.TryGetValue(key, out var index))
            {
                index = (ushort)known.Count;
                known.Add(key, index);
                pages.AddRange(w);
            }
            _pageOf[page] = index;
        }
        _pages = [.. pages];
    }

    public bool Contains(int codePoint)
    {
        if (codePoint < 128)
        {
            var word = codePoint < 64 ? _asciiLow : _asciiHigh;
            return (word >> (codePoint & 63) & 1) != 0;
        }
        var inPage = codePoint & ((1 << PageBits) - 1);
        var at = _pageOf[codePoint >> PageBits] * WordsPerPage + (inPage >> 6);
        return (_pages[at] >> (inPage & 63) & 1) != 0;
    }

    // Whether the text's last (first) code point is a member; false for an empty text.
    public bool EndsIn(ReadOnlySpan<char> text)
    {
        Rune.DecodeLastFromUtf16(text, out var rune, out _);
        return !text.IsEmpty && Contains(rune.Value);
    }

    public bool BeginsIn(ReadOnlySpan<char> text)
    {
        Rune.DecodeFromUtf16(text, out var rune, out _);
        return !text.IsEmpty && Contains(rune.Value);
    }

    public void AddTo(CodePointBits bits)
    {
        for (var page = 0; page < _pageOf.Length; page++)
        {
            var words = _pages.AsSpan(_pageOf[page] * WordsPerPage, WordsPerPage);
            bits.UnionWith(page * WordsPerPage, words);
        }
    }
}
