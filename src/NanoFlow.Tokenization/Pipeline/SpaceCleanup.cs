// Takes back the spaces that splitting at punctuation has put in: "don 't , no ." becomes "don't,
// no.". A row of replacements, each over the whole result of the one before. On a stream every
// replacement keeps back what may be the beginning of its pattern, at most its length less one.

namespace NanoFlow.Tokenization.Pipeline;

internal sealed class SpaceCleanup
{
    // The most bytes that the row can keep back in all.
    public const int MostHeld = 32;

    // What is replaced is the pattern without its outer spaces. A pattern's first character does
    // not recur in it before its end, so a mismatch never leaves the beginning of another match.
    private static readonly string[] Patterns =
        [" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"];

    private static readonly (byte[] Pattern, byte[] Content)[] Rules =
    [
        .. Patterns.Select(static text =>
            (text.Select(Ascii).ToArray(), text.Trim().Select(Ascii).ToArray())),
    ];

    private readonly int[] _matched = new int[Rules.Length];

    // The same for the text of one token, with the one rule more that decoders have.
    public static string OfToken(string text)
    {
        foreach (var pattern in Patterns)
        {
            text = text.Replace(pattern, pattern.Trim(), StringComparison.Ordinal);
            text = pattern == " 'm"
                ? text.Replace(" do not", " don't", StringComparison.Ordinal)
                : text;
        }
        return text;
    }

    public void Reset() => Array.Clear(_matched);

    // Writes what is certain so far to the target, which holds the text's length and MostHeld;
    // returns how much.
    public int Append(ReadOnlySpan<byte> text, Span<byte> target)
    {
        var written = 0;
        foreach (var b in text)
        {
            Feed(0, b, target, ref written);
        }
        return written;
    }

    // The text is over: what was kept back is no pattern.
    public int Flush(Span<byte> target)
    {
        var written = 0;
        for (var rule = 0; rule < Rules.Length; rule++)
        {
            Release(rule, target, ref written);
        }
        return written;
    }

    private void Feed(int rule, byte next, Span<byte> target, ref int written)
    {
        if (rule == Rules.Length)
        {
            target[written++] = next;
            return;
        }
        var (pattern, content) = Rules[rule];
        if (pattern[_matched[rule]] != next)
        {
            Release(rule, target, ref written);
        }
        if (pattern[_matched[rule]] != next)
        {
            Feed(rule + 1, next, target, ref written);
            return;
        }
        if (++_matched[rule] == pattern.Length)
        {
            _matched[rule] = 0;
            foreach (var b in content)
            {
                Feed(rule + 1, b, target, ref written);
            }
        }
    }

    private void Release(int rule, Span<byte> target, ref int written)
    {
        var count = _matched[rule];
        _matched[rule] = 0;
        foreach (var b in Rules[rule].Pattern.AsSpan(0, count))
        {
            Feed(rule + 1, b, target, ref written);
        }
    }

    private static byte Ascii(char c) => (byte)c;
}
