// The part of the pattern parser for sets of code points: classes […] with ranges, nesting and
// &&-intersection, and the escapes that stand for one code point or a class.

namespace NanoFlow.Tokenization.Patterns;

internal sealed class PatternClassParser(PatternParser parser)
{
    private int _depth;

    // The opening bracket has been taken.
    public CodePointBits ParseClass()
    {
        if (++_depth > PatternLimits.Depth)
        {
            throw parser.Error($"classes nested deeper than {PatternLimits.Depth}");
        }
        var negated = parser.TryTake('^');
        CodePointBits? intersection = null;
        var bits = new CodePointBits();
        for (var first = true; first || parser.Peek() != ']'; first = false)
        {
            if (parser.Peek() == '&' && parser.PeekSecond() == '&')
            {
                parser.Take();
                parser.Take();
                intersection = Intersect(intersection, bits);
                bits = new CodePointBits();
                continue;
            }
            AddItem(bits);
        }
        parser.Expect(']');
        bits = Intersect(intersection, bits);
        if (negated)
        {
            bits.Complement();
        }
        _depth--;
        return bits;
    }

    public static bool IsClassEscape(int letter) =>
        letter is 's' or 'S' or 'd' or 'D' or 'w' or 'W' or 'p' or 'P';

    // The backslash has been taken and IsClassEscape holds for what follows.
    public CodePointBits ParseClassEscape()
    {
        var letter = parser.Take();
        return letter switch
        {
            's' or 'S' => Negate(UnicodeClasses.WhiteSpace(), letter == 'S'),
            'd' or 'D' => Negate(UnicodeClasses.Digit(), letter == 'D'),
            'w' or 'W' => Negate(UnicodeClasses.PatternWord(), letter == 'W'),
            _ => ParseProperty(negated: letter == 'P'),
        };
    }

    // The backslash has been taken.
    public int ParseLiteralEscape()
    {
        var letter = parser.Take();
        return letter switch
        {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'f' => '\f',
            'v' => '\v',
            'a' => '\a',
            'e' => 0x1B,
            '0' => 0,
            'x' when parser.TryTake('{') => ParseHex(1, 6, closing: true),
            'x' => ParseHex(1, 2, closing: false),
            'u' => ParseHex(4, 4, closing: false),
            _ when letter < 128 && char.IsAsciiLetterOrDigit((char)letter) =>
                throw parser.Error($"escape '\\{(char)letter}' is not supported"),
            _ => letter,
        };
    }

    private static CodePointBits Intersect(CodePointBits? left, CodePointBits right)
    {
        if (left is not null)
        {
            right.IntersectWith(left);
        }
        return right;
    }

    private static CodePointBits Negate(CodePointBits bits, bool negate)
    {
        if (negate)
        {
            bits.Complement();
        }
        return bits;
    }

    private void AddItem(CodePointBits bits)
    {
        if (parser.TryTake('['))
        {
            if (parser.Peek() == ':')
            {
                throw parser.Error("POSIX classes [:name:] are not supported");
            }
            bits.UnionWith(ParseClass());
            return;
        }
        if (parser.Peek() == '\\' && IsClassEscape(parser.PeekSecond()))
        {
            parser.Take();
            bits.UnionWith(ParseClassEscape());
            return;
        }
        var first = ParseOne();
        if (parser.Peek() != '-' || parser.PeekSecond() is ']' or -1)
        {
            bits.Add(first);
            return;
        }
        parser.Take();
        var last = ParseOne();
        if (last < first)
        {
            throw parser.Error("range in a class is reversed");
        }
        bits.AddRange(first, last);
    }

    private int ParseOne() => parser.TryTake('\\') ? ParseLiteralEscape() : parser.Take();

    private int ParseHex(int minimumDigits, int maximumDigits, bool closing)
    {
        var value = 0;
        var digits = 0;
        while (digits < maximumDigits && parser.Peek() is var c && c is >= 0 and < 128
            && char.IsAsciiHexDigit((char)c))
        {
            value = value * 16 + Convert.ToInt32(((char)parser.Take()).ToString(), 16);
            digits++;
        }
        if (digits < minimumDigits || value >= CodePointBits.CodePointCount)
        {
            throw parser.Error("hexadecimal escape is not a code point");
        }
        if (closing)
        {
            parser.Expect('}');
        }
        return value;
    }

    // \p{L} \p{^L} \pL \P{…}
    private CodePointBits ParseProperty(bool negated)
    {
        var name = "";
        if (parser.TryTake('{'))
        {
            negated ^= parser.TryTake('^');
            while (!parser.TryTake('}'))
            {
                name += char.ConvertFromUtf32(parser.Take());
            }
        }
        else
        {
            name = char.ConvertFromUtf32(parser.Take());
        }
        var bits = UnicodeClasses.Find(name)
            ?? throw parser.Error($"property '\\p{{{name}}}' is not supported");
        return Negate(bits, negated);
    }
}
