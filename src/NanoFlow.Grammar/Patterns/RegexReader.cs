// Reads the patterns of JSON Schema: the part of ECMAScript's regular expressions that describes a
// language. What looks around or back does not, and is refused.

using System.Globalization;
using System.Text;
using NanoFlow.Grammar.Machine;

namespace NanoFlow.Grammar.Patterns;

internal sealed class RegexReader
{
    // Published patterns, for addresses and the like, stay below 2,000.
    private const int Longest = 16 * 1024;

    private readonly int[] _pattern;
    private int _at;
    private int _depth;

    private RegexReader(string pattern)
    {
        _pattern = [.. pattern.EnumerateRunes().Select(static rune => rune.Value)];
    }

    /// <exception cref="GrammarException">It cannot be followed.</exception>
    public static RegexNode Read(string pattern)
    {
        if (pattern.Length > Longest)
        {
            throw new GrammarException(
                $"pattern has {pattern.Length} characters; the limit is {Longest}");
        }
        var reader = new RegexReader(pattern);
        var node = reader.ReadChoice();
        return reader._at == reader._pattern.Length ? node : throw reader.Error("unmatched ')'");
    }

    private RegexNode ReadChoice()
    {
        if (++_depth > GrammarLimits.SchemaDepth)
        {
            throw Error($"groups nested deeper than {GrammarLimits.SchemaDepth}");
        }
        var branches = new List<RegexNode> { ReadSequence() };
        while (TryTake('|'))
        {
            branches.Add(ReadSequence());
        }
        _depth--;
        return branches.Count == 1 ? branches[0] : new RegexChoice(branches);
    }

    private RegexSequence ReadSequence()
    {
        var items = new List<RegexNode>();
        while (Peek() is not (-1 or '|' or ')'))
        {
            items.Add(ReadRepeats(ReadAtom()));
        }
        return new RegexSequence(items);
    }

    private RegexNode ReadAtom()
    {
        var c = Take();
        switch (c)
        {
            case '(':
                return ReadGroup();
            case '[':
                return new RegexSet(ReadClass());
            case '.':
                return new RegexSet(RegexSets.LineEnds.Complement());
            case '^' or '$':
                return new RegexAnchor(IsStart: c == '^');
            case '*' or '+' or '?':
                throw Error($"nothing to repeat before '{(char)c}'");
            case '\\':
                return new RegexSet(ReadEscape());
            default:
                return new RegexSet(CodePoints.Of(c));
        }
    }

    private RegexNode ReadGroup()
    {
        if (TryTake('?') && !TryTake(':'))
        {
            throw Error("groups that look around, or have names, are not supported");
        }
        var body = ReadChoice();
        return TryTake(')') ? body : throw Error("')' expected");
    }

    private RegexNode ReadRepeats(RegexNode atom)
    {
        var (minimum, maximum) = Peek() switch
        {
            '?' => (0, 1),
            '*' => (0, ProgramBuilder.NoLimit),
            '+' => (1, ProgramBuilder.NoLimit),
            '{' when BoundsEnd() > 0 => ReadBounds(),
            _ => (-1, -1),
        };
        if (minimum < 0)
        {
            return atom;
        }
        if (atom is RegexAnchor)
        {
            throw Error("an anchor cannot be repeated");
        }
        _at++;
        TryTake('?'); // lazy: the same language
        return Peek() is '*' or '+' || (Peek() == '{' && BoundsEnd() > 0)
            ? throw Error("a repeat of a repeat is not supported")
            : new RegexRepeat(atom, minimum, maximum);
    }

    // Where the closing brace stands when this is {m}, {m,} or {m,n}; 0 otherwise.
    private int BoundsEnd()
    {
        var end = _at + 1;
        while (end < _pattern.Length && _pattern[end] is (>= '0' and <= '9') or ',')
        {
            end++;
        }
        return end < _pattern.Length && _pattern[end] == '}' && end > _at + 1
            && _pattern[_at + 1] != ',' ? end : 0;
    }

    private (int Minimum, int Maximum) ReadBounds()
    {
        var end = BoundsEnd();
        var text = string.Concat(_pattern[(_at + 1)..end].Select(static c => (char)c));
        var parts = text.Split(',');
        _at = end;
        var minimum = Number(parts[0]);
        var maximum = parts.Length == 1 ? minimum
            : parts[1].Length == 0 ? ProgramBuilder.NoLimit
            : Number(parts[1]);
        return parts.Length <= 2 && minimum <= maximum
            ? (minimum, maximum)
            : throw Error("bounds are reversed");
    }

    private int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number <= GrammarLimits.Repeat
            ? number
            : throw Error($"a repeat is at most {GrammarLimits.Repeat}");

    private CodePoints ReadClass()
    {
        var isNegated = TryTake('^');
        var set = CodePoints.None;
        while (!TryTake(']'))
        {
            var low = ReadMember();
            if (Peek() != '-' || _at + 1 >= _pattern.Length || _pattern[_at + 1] == ']')
            {
                set = set.Union(low);
                continue;
            }
            Take();
            var high = ReadMember();
            var (first, last) = (Single(low), Single(high));
            set = first <= last
                ? set.Union(new CodePoints([(first, last)]))
                : throw Error("a range is reversed");
        }
        return isNegated ? set.Complement() : set;
    }

    private CodePoints ReadMember()
    {
        var c = Take();
        return c == '\\' ? ReadEscape(isInClass: true) : CodePoints.Of(c);
    }

    private int Single(CodePoints set) =>
        set.Ranges is [var (low, high)] && low == high
            ? low
            : throw Error("a range ends in a class");

    private CodePoints ReadEscape(bool isInClass = false)
    {
        var c = Take();
        switch (c)
        {
            case 'd' or 'w' or 's':
                return RegexSets.Named((char)c);
            case 'D' or 'W' or 'S':
                return RegexSets.Named(char.ToLowerInvariant((char)c)).Complement();
            case 'n':
                return CodePoints.Of('\n');
            case 'r':
                return CodePoints.Of('\r');
            case 't':
                return CodePoints.Of('\t');
            case 'f':
                return CodePoints.Of('\f');
            case 'v':
                return CodePoints.Of('\v');
            case 'b' when isInClass:
                return CodePoints.Of('\b');
            case 'x':
                return CodePoints.Of(ReadHex(2));
            case 'u':
                return CodePoints.Of(ReadHex(4));
            case < 128 when char.IsAsciiLetterOrDigit((char)c):
                throw Error($"'\\{(char)c}' is not supported");
            default:
                return CodePoints.Of(c);
        }
    }

    private int ReadHex(int digits)
    {
        var value = 0;
        for (var i = 0; i < digits; i++)
        {
            var c = Take();
            value = c < 128 && char.IsAsciiHexDigit((char)c)
                ? value * 16 + Convert.ToInt32(((char)c).ToString(), 16)
                : throw Error("a hex digit expected");
        }
        return Rune.IsValid(value) ? value : throw Error("surrogates are not supported");
    }

    private int Peek() => _at < _pattern.Length ? _pattern[_at] : -1;

    private int Take() => _at < _pattern.Length ? _pattern[_at++] : throw Error("ends too early");

    private bool TryTake(int expected)
    {
        if (Peek() != expected)
        {
            return false;
        }
        _at++;
        return true;
    }

    private GrammarException Error(string reason) =>
        new($"pattern, at character {_at}: {reason}");
}
