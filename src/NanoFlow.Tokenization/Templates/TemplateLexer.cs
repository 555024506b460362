// Cuts a template into tokens and applies the rules of white space around tags: "-" strips all of
// it, a block or comment that stands first on its line loses the indent before it, and the newline
// right after a block or comment goes; "+" switches either off. One newline at the end is dropped.

using System.Text;

namespace NanoFlow.Tokenization.Templates;

internal sealed class TemplateLexer
{
    private const string ShortOperators = "+-*/%~<>=.:|,()[]{}";

    private static readonly string[] LongOperators = ["==", "!=", "<=", ">=", "//", "**"];

    private readonly string _source;
    private readonly List<TemplateToken> _tokens = [];
    private int _at;
    private int _line = 1;

    private TemplateLexer(string source)
    {
        source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        _source = source.EndsWith('\n') ? source[..^1] : source;
    }

    public static List<TemplateToken> Read(string source)
    {
        var lexer = new TemplateLexer(source);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private enum Trim
    {
        None,
        Newline,
        All,
    }

    private void ReadAll()
    {
        var trim = Trim.None;
        while (true)
        {
            var tag = FindTag(_at);
            ReadText(tag, trim);
            if (tag == _source.Length)
            {
                break;
            }
            trim = _source[tag + 1] switch
            {
                '#' => ReadComment(),
                '{' => ReadTag(TokenKind.OutputBegin, TokenKind.OutputEnd, "}}"),
                _ => ReadBlock(),
            };
        }
        Add(TokenKind.End, "");
    }

    private int FindTag(int from)
    {
        for (var at = from; (at = _source.IndexOf('{', at)) >= 0; at++)
        {
            if (at + 1 < _source.Length && _source[at + 1] is '{' or '%' or '#')
            {
                return at;
            }
        }
        return _source.Length;
    }

    // The text up to a tag, as the tags on both sides leave it.
    private void ReadText(int end, Trim trim)
    {
        var text = _source[_at..end];
        var lines = text.AsSpan().Count('\n');
        var startsLine = _at == 0;
        if (trim == Trim.All)
        {
            text = text.TrimStart();
        }
        else if (trim == Trim.Newline && text.StartsWith('\n'))
        {
            text = text[1..];
            startsLine = true;
        }
        if (end < _source.Length)
        {
            text = TrimBefore(text, end, startsLine);
        }
        if (text.Length > 0)
        {
            Add(TokenKind.Text, text);
        }
        _line += lines;
        _at = end;
    }

    private string TrimBefore(string text, int tag, bool startsLine)
    {
        var sign = tag + 2 < _source.Length ? _source[tag + 2] : ' ';
        if (sign == '-')
        {
            return text.TrimEnd();
        }
        if (sign == '+' || _source[tag + 1] == '{')
        {
            return text;
        }
        var indentless = text.TrimEnd(' ', '\t');
        var first = indentless.Length == 0 ? startsLine : indentless[^1] == '\n';
        return first ? indentless : text;
    }

    private Trim ReadComment()
    {
        var end = _source.IndexOf("#}", _at + 2, StringComparison.Ordinal);
        if (end < 0)
        {
            throw Error("comment is not closed");
        }
        _line += _source.AsSpan(_at, end - _at).Count('\n');
        _at = end + 2;
        return TrimAfter(_source[end - 1]);
    }

    private Trim ReadBlock()
    {
        var first = _tokens.Count;
        var trim = ReadTag(TokenKind.BlockBegin, TokenKind.BlockEnd, "%}");
        var isRaw = _tokens.Count == first + 3 && _tokens[first + 1].Is("raw");
        return isRaw ? ReadRaw(first, trim) : trim;
    }

    // {% raw %} … {% endraw %}: text in which nothing is a tag.
    private Trim ReadRaw(int first, Trim trim)
    {
        _tokens.RemoveRange(first, _tokens.Count - first);
        for (var tag = _source.IndexOf("{%", _at, StringComparison.Ordinal); tag >= 0;
            tag = _source.IndexOf("{%", tag + 2, StringComparison.Ordinal))
        {
            var name = _source.AsSpan(tag + 2).TrimStart("-+").TrimStart();
            if (name.StartsWith("endraw"))
            {
                ReadText(tag, trim);
                var count = _tokens.Count;
                var after = ReadTag(TokenKind.BlockBegin, TokenKind.BlockEnd, "%}");
                _tokens.RemoveRange(count, _tokens.Count - count);
                return after;
            }
        }
        throw Error("raw is not closed");
    }

    // Everything between the borders of a tag; a closing border inside brackets is not one.
    private Trim ReadTag(TokenKind begin, TokenKind end, string border)
    {
        Add(begin, "");
        _at += 2;
        if (_at < _source.Length && _source[_at] is '-' or '+')
        {
            _at++;
        }
        var depth = 0;
        while (true)
        {
            SkipWhiteSpace();
            if (_at == _source.Length)
            {
                throw Error($"tag is not closed, '{border}' expected");
            }
            var sign = _source[_at] is '-' or '+' ? 1 : 0;
            if (depth == 0 && string.CompareOrdinal(_source, _at + sign, border, 0, 2) == 0)
            {
                Add(end, "");
                _at += sign + 2;
                return begin == TokenKind.OutputBegin && sign == 0
                    ? Trim.None
                    : TrimAfter(_source[_at - 3]);
            }
            depth += ReadWord();
        }
    }

    // After "+" and after an output tag without "-" nothing is trimmed.
    private static Trim TrimAfter(char sign) => sign switch
    {
        '-' => Trim.All,
        '+' => Trim.None,
        _ => Trim.Newline,
    };

    private void SkipWhiteSpace()
    {
        while (_at < _source.Length && char.IsWhiteSpace(_source[_at]))
        {
            _line += _source[_at] == '\n' ? 1 : 0;
            _at++;
        }
    }

    // One word; returns by how much it opens (+1) or closes (-1) brackets.
    private int ReadWord()
    {
        var c = _source[_at];
        if (char.IsLetter(c) || c == '_')
        {
            var start = _at;
            while (_at < _source.Length && IsNamePart(_source[_at]))
            {
                _at++;
            }
            Add(TokenKind.Name, _source[start.._at]);
            return 0;
        }
        if (char.IsAsciiDigit(c))
        {
            ReadNumber();
            return 0;
        }
        if (c is '"' or '\'')
        {
            ReadString(c);
            return 0;
        }
        return ReadOperator();
    }

    private static bool IsNamePart(char c) => char.IsLetterOrDigit(c) || c == '_';

    private void ReadNumber()
    {
        var start = _at;
        SkipDigits();
        var kind = TokenKind.Integer;
        if (_at + 1 < _source.Length && _source[_at] == '.' && char.IsAsciiDigit(_source[_at + 1]))
        {
            kind = TokenKind.Float;
            _at++;
            SkipDigits();
        }
        if (_at + 1 < _source.Length && _source[_at] is 'e' or 'E'
            && (char.IsAsciiDigit(_source[_at + 1]) || _source[_at + 1] is '+' or '-'))
        {
            kind = TokenKind.Float;
            _at += 2;
            SkipDigits();
        }
        var text = _source[start.._at].Replace("_", "", StringComparison.Ordinal);
        Add(kind, text);
    }

    private void SkipDigits()
    {
        while (_at < _source.Length && (char.IsAsciiDigit(_source[_at]) || _source[_at] == '_'))
        {
            _at++;
        }
    }

    private void ReadString(char quote)
    {
        var line = _line;
        var text = new StringBuilder();
        for (_at++; _at < _source.Length && _source[_at] != quote; _at++)
        {
            _line += _source[_at] == '\n' ? 1 : 0;
            if (_source[_at] == '\\' && _at + 1 < _source.Length)
            {
                _at++;
                ReadEscape(text);
            }
            else
            {
                text.Append(_source[_at]);
            }
        }
        if (_at == _source.Length)
        {
            throw Error("string is not closed");
        }
        _at++;
        _tokens.Add(new TemplateToken(TokenKind.String, text.ToString(), line));
    }

    // An unknown escape keeps its backslash, as in Python.
    private void ReadEscape(StringBuilder text)
    {
        var c = _source[_at];
        const string Letters = "ntrbfv0\\'\"";
        const string Meanings = "\n\t\r\b\f\v\0\\'\"";
        if (Letters.IndexOf(c, StringComparison.Ordinal) is >= 0 and var known)
        {
            text.Append(Meanings[known]);
            return;
        }
        var digits = c switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        var valid = digits > 0 && _at + digits < _source.Length
            && int.TryParse(
                _source.AsSpan(_at + 1, digits),
                System.Globalization.NumberStyles.AllowHexSpecifier,
                null,
                out var value)
            && Rune.IsValid(value);
        if (valid)
        {
            text.Append(new Rune(Convert.ToInt32(_source.Substring(_at + 1, digits), 16)));
            _at += digits;
        }
        else if (c != '\n')
        {
            text.Append('\\').Append(c);
        }
    }

    private int ReadOperator()
    {
        var symbol = Array.Find(
            LongOperators, s => string.CompareOrdinal(_source, _at, s, 0, s.Length) == 0)
            ?? _source[_at].ToString();
        if (symbol.Length == 1 && !ShortOperators.Contains(symbol[0], StringComparison.Ordinal))
        {
            throw Error($"unexpected '{symbol}'");
        }
        Add(TokenKind.Operator, symbol);
        _at += symbol.Length;
        return symbol is "(" or "[" or "{" ? 1 : symbol is ")" or "]" or "}" ? -1 : 0;
    }

    private void Add(TokenKind kind, string text) =>
        _tokens.Add(new TemplateToken(kind, text, _line));

    private ChatTemplateException Error(string reason) => new(_line, reason);
}
