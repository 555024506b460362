// The Unicode normal forms NFC, NFD, NFKC and NFKD (UAX #15): decompose fully, put combining marks
// in canonical order, and for the C forms compose again. Hangul syllables are arithmetic.

using System.Text;

namespace NanoFlow.Tokenization.Pipeline;

internal sealed class NormalForm(bool compatible, bool compose)
{
    private const int HangulBase = 0xAC00;
    private const int LeadBase = 0x1100;
    private const int VowelBase = 0x1161;
    private const int TrailBase = 0x11A7;
    private const int LeadCount = 19;
    private const int VowelCount = 21;
    private const int TrailCount = 28;
    private const int HangulCount = LeadCount * VowelCount * TrailCount;

    // Text below this is in every C form, or in every form, as it is.
    private readonly char _firstChanging = compatible ? '\u00A0' : compose ? '\u0300' : '\u00C0';

    public string Apply(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange('\0', (char)(_firstChanging - 1)))
        {
            return text;
        }
        var data = NormalizationData.Instance;
        var codePoints = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            Decompose(data, rune.Value, codePoints);
        }
        Order(data, codePoints);
        if (compose)
        {
            Compose(data, codePoints);
        }
        var result = new StringBuilder(codePoints.Count);
        foreach (var codePoint in codePoints)
        {
            result.Append(new Rune(codePoint));
        }
        return result.ToString();
    }

    private void Decompose(NormalizationData data, int codePoint, List<int> output)
    {
        var syllable = codePoint - HangulBase;
        if (syllable is >= 0 and < HangulCount)
        {
            output.Add(LeadBase + syllable / (VowelCount * TrailCount));
            output.Add(VowelBase + syllable / TrailCount % VowelCount);
            if (syllable % TrailCount is > 0 and var trail)
            {
                output.Add(TrailBase + trail);
            }
            return;
        }
        if (data.Decomposition(codePoint, compatible) is not { } parts)
        {
            output.Add(codePoint);
            return;
        }
        foreach (var part in parts)
        {
            Decompose(data, part, output);
        }
    }

    // Sorts each run of combining marks by class; marks of one class keep their order.
    private static void Order(NormalizationData data, List<int> codePoints)
    {
        for (var start = 0; start < codePoints.Count; start++)
        {
            var end = start;
            while (end < codePoints.Count && data.ClassOf(codePoints[end]) != 0)
            {
                end++;
            }
            if (end - start > 1)
            {
                var run = codePoints.GetRange(start, end - start).OrderBy(data.ClassOf).ToList();
                for (var i = 0; i < run.Count; i++)
                {
                    codePoints[start + i] = run[i];
                }
            }
            start = end;
        }
    }

    // A mark joins the last starter unless a mark of its own or a higher class stands between.
    private static void Compose(NormalizationData data, List<int> codePoints)
    {
        var starter = -1;
        var previousClass = 0;
        var kept = 0;
        for (var i = 0; i < codePoints.Count; i++)
        {
            var codePoint = codePoints[i];
            var combining = data.ClassOf(codePoint);
            var adjacent = starter == kept - 1;
            var passes = previousClass != 0 && previousClass < combining;
            var open = starter >= 0 && (adjacent || passes);
            var composed = open ? ComposePair(data, codePoints[starter], codePoint) : -1;
            if (composed >= 0)
            {
                codePoints[starter] = composed;
                continue;
            }
            starter = combining == 0 ? kept : starter;
            previousClass = combining;
            codePoints[kept++] = codePoint;
        }
        codePoints.RemoveRange(kept, codePoints.Count - kept);
    }

    private static int ComposePair(NormalizationData data, int first, int second)
    {
        var lead = first - LeadBase;
        var vowel = second - VowelBase;
        if (lead is >= 0 and < LeadCount && vowel is >= 0 and < VowelCount)
        {
            return HangulBase + (lead * VowelCount + vowel) * TrailCount;
        }
        var syllable = first - HangulBase;
        var trail = second - TrailBase;
        var isOpenSyllable = syllable is >= 0 and < HangulCount && syllable % TrailCount == 0;
        return isOpenSyllable && trail is > 0 and < TrailCount
            ? first + trail
            : data.Composition(first, second);
    }
}
