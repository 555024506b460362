// Sets of code points as sorted ranges without overlap. Surrogates are never members: text is
// UTF-8.

namespace NanoFlow.Grammar.Machine;

internal sealed class CodePoints
{
    private const int Last = 0x10FFFF;
    private const int FirstSurrogate = 0xD800;
    private const int LastSurrogate = 0xDFFF;

    public static readonly CodePoints All = new([(0, Last)]);
    public static readonly CodePoints None = new([]);

    public CodePoints(IEnumerable<(int Low, int High)> ranges)
    {
        var sorted = ranges.Where(static r => r.Low <= r.High).OrderBy(static r => r.Low);
        var merged = new List<(int Low, int High)>();
        foreach (var range in sorted)
        {
            if (merged.Count > 0 && range.Low <= merged[^1].High + 1)
            {
                merged[^1] = (merged[^1].Low, Math.Max(merged[^1].High, range.High));
            }
            else
            {
                merged.Add(range);
            }
        }
        Ranges = [.. merged.SelectMany(WithoutSurrogates)];
    }

    public IReadOnlyList<(int Low, int High)> Ranges { get; }

    public bool IsEmpty => Ranges.Count == 0;

    public static CodePoints Of(int codePoint) => new([(codePoint, codePoint)]);

    public CodePoints Union(CodePoints other) => new(Ranges.Concat(other.Ranges));

    public CodePoints Complement()
    {
        var rest = new List<(int, int)>();
        var from = 0;
        foreach (var (low, high) in Ranges)
        {
            rest.Add((from, low - 1));
            from = high + 1;
        }
        rest.Add((from, Last));
        return new CodePoints(rest);
    }

    public CodePoints Intersect(CodePoints other) =>
        Complement().Union(other.Complement()).Complement();

    public CodePoints Except(CodePoints other) => Intersect(other.Complement());

    private static IEnumerable<(int, int)> WithoutSurrogates((int Low, int High) range)
    {
        if (range.Low < FirstSurrogate)
        {
            yield return (range.Low, Math.Min(range.High, FirstSurrogate - 1));
        }
        if (range.High > LastSurrogate)
        {
            yield return (Math.Max(range.Low, LastSurrogate + 1), range.High);
        }
    }
}
