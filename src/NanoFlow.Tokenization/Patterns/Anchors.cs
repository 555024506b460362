// Zero-width assertions about a position. As in Oniguruma's Ruby syntax, ^ and $ are about lines.

namespace NanoFlow.Tokenization.Patterns;

internal static class Anchors
{
    private static readonly CodePointSet Word = new(UnicodeClasses.PatternWord());

    public static bool Holds(PatternOp op, ReadOnlySpan<char> text, int position) => op switch
    {
        PatternOp.TextStart => position == 0,
        PatternOp.TextEnd => position == text.Length,
        PatternOp.LastLineEnd => position == text.Length
            || (position == text.Length - 1 && text[position] == '\n'),
        PatternOp.LineStart => position == 0 || text[position - 1] == '\n',
        PatternOp.LineEnd => position == text.Length || text[position] == '\n',
        PatternOp.WordBoundary => IsBoundary(text, position),
        PatternOp.NotWordBoundary => !IsBoundary(text, position),
        _ => throw new InvalidOperationException($"{op} is not an anchor"),
    };

    private static bool IsBoundary(ReadOnlySpan<char> text, int position) =>
        Word.EndsIn(text[..position]) != Word.BeginsIn(text[position..]);
}
