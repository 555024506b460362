// Reads the regular expression dialect of published tokenizers (Oniguruma's Ruby syntax as far as
// they use it): alternation, groups (?:) (?i:) (?>) (?=) (?!), classes, \p{..}, ? * + {m,n} with
// lazy and possessive forms, anchors. What is not understood is an error, never a guess.

using System.Text;

namespace NanoFlow.Tokenization.Patterns;

internal sealed class PatternParser
{
    private readonly int[] _pattern;
    private int _at;
    private int _depth;
    private bool _ignoreCase;
    private int _setCount;
    private readonly Dictionary<int, SetNode> _foldedLiterals = [];

    private PatternParser(string pattern)
    {
        _pattern = [.. pattern.EnumerateRunes().Select(static rune => rune.Value)];
    }

    public static PatternNode Parse(string pattern)
    {
        if (pattern.Length > PatternLimits.PatternLength)
        {
            throw new TokenizerFormatException(
                $"pattern: {pattern.Length} characters, at most {PatternLimits.PatternLength}");
        }
        var parser = new PatternParser(pattern);
        var node = parser.ParseAlternation();
        return parser._at == parser._pattern.Length ? node : throw parser.Error("unmatched ')'");
    }

    private PatternNode ParseAlternation()
    {
        if (++_depth > PatternLimits.Depth)
        {
            throw Error($"groups nested deeper than {PatternLimits.Depth}");
        }
        var ignoreCase = _ignoreCase;
        var branches = new List<PatternNode> { ParseSequence() };
        while (TryTake('|'))
        {
            branches.Add(ParseSequence());
        }
        _ignoreCase = ignoreCase;
        _depth--;
        return branches.Count == 1 ? branches[0] : new AlternationNode(branches);
    }

    private SequenceNode ParseSequence()
    {
        var items = new List<PatternNode>();
        while (Peek() is not (-1 or '|' or ')'))
        {
            if (ParseAtom() is { } atom)
            {
                items.Add(ParseQuantifiers(atom));
            }
        }
        return new SequenceNode(items);
    }

    // Null for a bare option group such as (?i), which only changes the state of the parser.
    private PatternNode? ParseAtom()
    {
        var c = Take();
        switch (c)
        {
            case '(':
                return ParseGroup();
            case '[':
                return Set(new PatternClassParser(this).ParseClass());
            case '.':
                var any = CodePointBits.Of('\n');
                any.Complement();
                return Set(any);
            case '^':
                return new AnchorNode(PatternOp.LineStart);
            case '$':
                return new AnchorNode(PatternOp.LineEnd);
            case '*' or '+' or '?':
                throw Error($"nothing to repeat before '{(char)c}'");
            case '\\' when AnchorOf(Peek()) is { } anchor:
                Take();
                return new AnchorNode(anchor);
            case '\\':
                var classes = new PatternClassParser(this);
                return PatternClassParser.IsClassEscape(Peek())
                    ? Set(classes.ParseClassEscape())
                    : Literal(classes.ParseLiteralEscape());
            default:
                return Literal(c);
        }
    }

    private PatternNode? ParseGroup()
    {
        if (!TryTake('?'))
        {
            return Close(ParseAlternation());
        }
        var kind = Take();
        switch (kind)
        {
            case ':':
                return Close(ParseAlternation());
            case '=' or '!':
                return new LookAheadNode(Close(ParseAlternation()), Negative: kind == '!');
            case '>':
                return new AtomicNode(Close(ParseAlternation()));
            case 'i' or '-':
                return ParseOptions(on: kind == 'i');
            default:
                throw Error($"group '(?{char.ConvertFromUtf32(kind)}' is not supported");
        }
    }

    // (?i) (?-i) to the end of the group, (?i:…) (?-i:…) for the group itself.
    private PatternNode? ParseOptions(bool on)
    {
        if (!on)
        {
            Expect('i');
        }
        var outer = _ignoreCase;
        _ignoreCase = on;
        if (TryTake(')'))
        {
            return null;
        }
        Expect(':');
        var body = Close(ParseAlternation());
        _ignoreCase = outer;
        return body;
    }

    private PatternNode ParseQuantifiers(PatternNode atom)
    {
        while (true)
        {
            var start = _at;
            var (minimum, maximum) = Peek() switch
            {
                '?' => (0, 1),
                '*' => (0, PatternLimits.Unbounded),
                '+' => (1, PatternLimits.Unbounded),
                '{' => ParseBounds(),
                _ => (-1, -1),
            };
            if (minimum < 0)
            {
                return atom;
            }
            var counted = _pattern[start] == '{';
            if (!counted)
            {
                Take();
            }
            // As in Oniguruma's Ruby syntax, {m,n}+ is a repeated repeat, not a possessive one.
            var kind = TryTake('?') ? RepeatKind.Lazy
                : !counted && TryTake('+') ? RepeatKind.Possessive
                : RepeatKind.Greedy;
            atom = new RepeatNode(atom, minimum, maximum, kind);
        }
    }

    private (int Minimum, int Maximum) ParseBounds()
    {
        Expect('{');
        var minimum = ParseNumber() ?? 0;
        var maximum = minimum;
        if (TryTake(','))
        {
            maximum = ParseNumber() ?? PatternLimits.Unbounded;
        }
        Expect('}');
        if (maximum < minimum)
        {
            throw Error("repeat bounds are reversed");
        }
        return (minimum, maximum);
    }

    private int? ParseNumber()
    {
        var start = _at;
        var number = 0;
        while (Peek() is >= '0' and <= '9')
        {
            number = number * 10 + (Take() - '0');
            if (number > PatternLimits.Repeat)
            {
                throw Error($"repeat count above {PatternLimits.Repeat}");
            }
        }
        return _at == start ? null : number;
    }

    private static PatternOp? AnchorOf(int letter) => letter switch
    {
        'A' => PatternOp.TextStart,
        'z' => PatternOp.TextEnd,
        'Z' => PatternOp.LastLineEnd,
        'b' => PatternOp.WordBoundary,
        'B' => PatternOp.NotWordBoundary,
        _ => null,
    };

    private PatternNode Literal(int codePoint)
    {
        if (!_ignoreCase)
        {
            return new LiteralNode(codePoint);
        }
        if (!_foldedLiterals.TryGetValue(codePoint, out var node))
        {
            node = Set(CodePointBits.Of(codePoint));
            _foldedLiterals.Add(codePoint, node);
        }
        return node;
    }

    private SetNode Set(CodePointBits bits)
    {
        if (++_setCount > PatternLimits.Sets)
        {
            throw Error($"more than {PatternLimits.Sets} classes");
        }
        if (_ignoreCase)
        {
            bits.CloseOverCase();
        }
        return new SetNode(new CodePointSet(bits));
    }

    private PatternNode Close(PatternNode node)
    {
        Expect(')');
        return node;
    }

    internal int Peek() => _at < _pattern.Length ? _pattern[_at] : -1;

    internal int PeekSecond() => _at + 1 < _pattern.Length ? _pattern[_at + 1] : -1;

    internal int Take() => _at < _pattern.Length ? _pattern[_at++] : throw Error("ends too early");

    internal bool TryTake(int expected)
    {
        if (Peek() != expected)
        {
            return false;
        }
        _at++;
        return true;
    }

    internal void Expect(char expected)
    {
        if (!TryTake(expected))
        {
            throw Error($"'{expected}' expected");
        }
    }

    internal TokenizerFormatException Error(string reason)
    {
        var text = new StringBuilder();
        foreach (var codePoint in _pattern)
        {
            text.Append(char.ConvertFromUtf32(codePoint));
        }
        return new TokenizerFormatException($"pattern '{text}' at character {_at}: {reason}");
    }
}
