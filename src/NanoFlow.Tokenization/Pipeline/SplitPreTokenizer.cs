// Cuts every piece by a pattern. The text is a row of segments, matches and what lies between;
// "invert" swaps the two roles, and the behaviour says which neighbours become one piece. Several
// named pre-tokenizers are this one with a fixed pattern.

using NanoFlow.Tokenization.Patterns;

namespace NanoFlow.Tokenization.Pipeline;

internal enum SplitBehavior
{
    Isolated,
    Removed,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

internal sealed class SplitPreTokenizer(TextPattern pattern, SplitBehavior behavior, bool invert)
    : PreTokenizer
{
    // UnicodeClasses.Word as the inside of a class; \w in a pattern is not quite the same.
    private const string WordSet = @"\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}"
        + "\u200C\u200D\u24B6-\u24E9"
        + "\U0001F130-\U0001F149\U0001F150-\U0001F169\U0001F170-\U0001F189";

    public static SplitPreTokenizer ReadSplit(FileNode node) =>
        new(ReadPattern(node), ReadBehavior(node), node.Flag("invert", absent: false));

    public static SplitPreTokenizer ReadDigits(FileNode node)
    {
        var individual = node.Flag("individual_digits", absent: false);
        return new SplitPreTokenizer(
            TextPattern.Compile(@"\p{N}"),
            individual ? SplitBehavior.Isolated : SplitBehavior.Contiguous,
            invert: false);
    }

    public static SplitPreTokenizer ReadPunctuation(FileNode node) =>
        Punctuation(
            node.Optional("behavior") is null ? SplitBehavior.Isolated : ReadBehavior(node));

    public static SplitPreTokenizer ReadCharDelimiter(FileNode node) =>
        new(TextPattern.Literal(node.Text("delimiter")), SplitBehavior.Removed, invert: false);

    // Unicode punctuation and all ASCII signs, as BERT counts them.
    public static SplitPreTokenizer Punctuation(SplitBehavior behavior) =>
        new(TextPattern.Compile(@"[\p{P}$+<=>^`|~]"), behavior, invert: false);

    public static SplitPreTokenizer WhiteSpace() =>
        new(TextPattern.Compile(@"\s"), SplitBehavior.Removed, invert: false);

    public static SplitPreTokenizer Words() =>
        new(TextPattern.Compile($@"[{WordSet}]+|[^{WordSet}\s]+"), SplitBehavior.Removed, true);

    public override void Apply(Pieces pieces, PatternMatcher matcher)
    {
        for (var i = 0; i < pieces.Count; i++)
        {
            SplitPiece(pieces, i, matcher);
        }
        pieces.Commit();
    }

    public static TextPattern ReadPattern(FileNode node)
    {
        var source = node.Child("pattern");
        if (source.OptionalText("String") is { } text)
        {
            return TextPattern.Literal(text);
        }
        try
        {
            return TextPattern.Compile(source.Text("Regex"));
        }
        catch (TokenizerFormatException e)
        {
            throw new TokenizerFormatException($"{node.File}: {source.Path}: {e.Message}", e);
        }
    }

    private static SplitBehavior ReadBehavior(FileNode node)
    {
        var name = node.Text("behavior");
        return Enum.TryParse<SplitBehavior>(name, out var behavior) && !char.IsDigit(name[0])
            ? behavior
            : throw node.Error($"behavior '{name}' is not supported");
    }

    private void SplitPiece(Pieces pieces, int piece, PatternMatcher matcher)
    {
        var text = pieces[piece];
        var origin = pieces.Start(piece);
        var held = new Held(pieces, behavior);
        var done = 0;
        var from = 0;
        matcher.Begin(text.Length);
        while (from < text.Length)
        {
            var (start, end) = pattern.Find(matcher, text, from);
            if (start < 0)
            {
                break;
            }
            if (end == start)
            {
                from = start + 1;
                continue;
            }
            held.Add(origin + done, origin + start, invert);
            held.Add(origin + start, origin + end, !invert);
            done = end;
            from = end;
        }
        held.Add(origin + done, origin + text.Length, invert);
        held.Flush();
    }

    // The last segment, kept back until its successor shows whether the two are one piece.
    private ref struct Held(Pieces pieces, SplitBehavior behavior)
    {
        private int _start;
        private int _end;
        private bool _isMatch;

        public void Add(int start, int end, bool isMatch)
        {
            if (start == end)
            {
                return;
            }
            var joins = _start < _end && behavior switch
            {
                SplitBehavior.MergedWithPrevious => isMatch && !_isMatch,
                SplitBehavior.MergedWithNext => !isMatch && _isMatch,
                SplitBehavior.Contiguous => isMatch == _isMatch,
                _ => false,
            };
            if (!joins)
            {
                Flush();
                _start = start;
            }
            _end = end;
            _isMatch = isMatch;
        }

        public void Flush()
        {
            if (behavior != SplitBehavior.Removed || !_isMatch)
            {
                pieces.Keep(_start, _end);
            }
            _start = _end;
        }
    }
}
