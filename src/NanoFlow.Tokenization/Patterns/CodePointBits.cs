// A mutable set of code points as one flat bitmap (0x110000 bits, 136 KiB), used while a pattern is
// compiled. Union, complement and intersection are exact and cheap, so nested and negated classes
// need no special cases; the result is frozen into a CodePointSet for matching.

using System.Text;

namespace NanoFlow.Tokenization.Patterns;

internal sealed class CodePointBits
{
    public const int CodePointCount = 0x110000;
    public const int WordCount = CodePointCount / 64;

    private readonly ulong[] _words = new ulong[WordCount];

    public ReadOnlySpan<ulong> Words => _words;

    public static CodePointBits Of(int codePoint)
    {
        var bits = new CodePointBits();
        bits.Add(codePoint);
        return bits;
    }

    public bool Contains(int codePoint) => (_words[codePoint >> 6] >> (codePoint & 63) & 1) != 0;

    public void Add(int codePoint) => _words[codePoint >> 6] |= 1UL << (codePoint & 63);

    public void AddRange(int first, int last)
    {
        for (var codePoint = first; codePoint <= last; codePoint++)
        {
            Add(codePoint);
        }
    }

    public void AddRanges(ReadOnlySpan<int> firstLastPairs)
    {
        for (var i = 0; i < firstLastPairs.Length; i += 2)
        {
            AddRange(firstLastPairs[i], firstLastPairs[i + 1]);
        }
    }

    public void UnionWith(CodePointBits other)
    {
        for (var i = 0; i < WordCount; i++)
        {
            _words[i] |= other._words[i];
        }
    }

    public void UnionWith(int firstWord, ReadOnlySpan<ulong> words)
    {
        for (var i = 0; i < words.Length; i++)
        {
            _words[firstWord + i] |= words[i];
        }
    }

    public void IntersectWith(CodePointBits other)
    {
        for (var i = 0; i < WordCount; i++)
        {
            _words[i] &= other._words[i];
        }
    }

    public void Complement()
    {
        for (var i = 0; i < WordCount; i++)
        {
            _words[i] = ~_words[i];
        }
    }

    // Adds every code point whose simple case folding equals that of a member.
    public void CloseOverCase()
    {
        var folds = CaseFolding.Pairs;
        var folded = new HashSet<int>();
        foreach (var (codePoint, fold) in folds)
        {
            if (Contains(codePoint) || Contains(fold))
            {
                folded.Add(fold);
            }
        }
        foreach (var (codePoint, fold) in folds)
        {
            if (folded.Contains(fold))
            {
                Add(codePoint);
                Add(fold);
            }
        }
    }
}

// Simple case folding as pairs (code point, what it folds to), only where the two differ.
internal static class CaseFolding
{
    public static readonly (int CodePoint, int Fold)[] Pairs = BuildPairs();

    public static int Fold(int codePoint) => codePoint switch
    {
        // The invariant culture keeps these apart from ASCII; Unicode case folding does not.
        0x017F => 's',
        0x212A => 'k',
        _ => Rune.ToLowerInvariant(Rune.ToUpperInvariant(new Rune(codePoint))).Value,
    };

    private static (int CodePoint, int Fold)[] BuildPairs()
    {
        var pairs = new List<(int, int)>();
        for (var codePoint = 0; codePoint < CodePointBits.CodePointCount; codePoint++)
        {
            if (Rune.IsValid(codePoint) && Fold(codePoint) is var fold && fold != codePoint)
            {
                pairs.Add((codePoint, fold));
            }
        }
        return [.. pairs];
    }
}
