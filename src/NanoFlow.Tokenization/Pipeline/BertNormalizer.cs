// BERT's normalizer, each part by its own switch: control characters go and white space becomes
// spaces, Chinese characters get a space on either side, accents are dropped, letters made small.

using System.Globalization;
using System.Text;

namespace NanoFlow.Tokenization.Pipeline;

internal sealed class BertNormalizer
{
    // BERT's own list; not the same as the script Han. The gap from U+2B820 is in its definition.
    private static readonly (int First, int Last)[] ChineseRanges =
    [
        (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF),
        (0x2A700, 0x2B81F), (0x2B920, 0x2CEAF), (0x2F800, 0x2FA1F),
    ];

    private static readonly NormalForm Decomposed = new(compatible: false, compose: false);

    private readonly bool _cleansText;
    private readonly bool _separatesChinese;
    private readonly bool _stripsAccents;
    private readonly bool _lowers;

    public BertNormalizer(FileNode node)
    {
        _cleansText = node.Flag("clean_text", absent: true);
        _separatesChinese = node.Flag("handle_chinese_chars", absent: true);
        _lowers = node.Flag("lowercase", absent: true);
        _stripsAccents = node.Flag("strip_accents", absent: _lowers);
    }

    public string Apply(string text)
    {
        text = _cleansText ? Clean(text) : text;
        text = _separatesChinese ? SeparateChinese(text) : text;
        text = _stripsAccents ? StripMarks(Decomposed.Apply(text), onlyNonSpacing: true) : text;
        return _lowers ? Lowercase(text) : text;
    }

    public static string StripMarks(string text, bool onlyNonSpacing)
    {
        var kept = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            var drop = Rune.GetUnicodeCategory(rune) switch
            {
                UnicodeCategory.NonSpacingMark => true,
                UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark =>
                    !onlyNonSpacing,
                _ => false,
            };
            if (!drop)
            {
                kept.Append(rune);
            }
        }
        return kept.ToString();
    }

    // The only code point whose lower case is longer by itself is U+0130.
    public static string Lowercase(string text) =>
        text.Replace("\u0130", "i\u0307", StringComparison.Ordinal).ToLowerInvariant();

    private static string Clean(string text)
    {
        var kept = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value is '\t' or '\n' or '\r')
            {
                kept.Append(' ');
            }
            else if (rune.Value is not (0 or 0xFFFD) && !IsControl(rune))
            {
                kept.Append(Rune.IsWhiteSpace(rune) ? new Rune(' ') : rune);
            }
        }
        return kept.ToString();
    }

    private static bool IsControl(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse;

    private static string SeparateChinese(string text)
    {
        var spaced = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (IsChinese(rune.Value))
            {
                spaced.Append(' ').Append(rune).Append(' ');
            }
            else
            {
                spaced.Append(rune);
            }
        }
        return spaced.ToString();
    }

    private static bool IsChinese(int codePoint)
    {
        foreach (var (first, last) in ChineseRanges)
        {
            if (codePoint >= first && codePoint <= last)
            {
                return true;
            }
        }
        return false;
    }
}
