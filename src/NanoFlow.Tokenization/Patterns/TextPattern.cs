// A compiled pattern: immutable, shared by all threads. System.Text.RegularExpressions cannot serve
// here: it sees UTF-16 units, so \p{L} misses every letter outside the basic plane.

using System.Text;

namespace NanoFlow.Tokenization.Patterns;

public sealed class TextPattern
{
    private readonly PatternProgram _program;

    private TextPattern(PatternNode root)
    {
        _program = PatternCompiler.Compile(root);
    }

    public static TextPattern Compile(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        return new TextPattern(PatternParser.Parse(pattern));
    }

    // Matches the text itself, no character of it special.
    public static TextPattern Literal(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new TextPattern(new SequenceNode(
            [.. text.EnumerateRunes().Select(static rune => new LiteralNode(rune.Value))]));
    }

    // The leftmost match at or after from, or Start -1. The matcher's Begin must have been called.
    public (int Start, int End) Find(PatternMatcher matcher, ReadOnlySpan<char> text, int from)
    {
        ArgumentNullException.ThrowIfNull(matcher);
        return matcher.Find(_program, text, from);
    }
}
