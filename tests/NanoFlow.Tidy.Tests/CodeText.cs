// Blanks what is not code, so that a rule can look at code alone, or at code and comments.
//
// A scanner for the lexical rules that C# and C++ share, and their own kinds of strings: C#'s
// verbatim, interpolated and raw ones, C++'s R"delimiter(...)delimiter". Blanked characters become
// spaces and line ends stay, so a position in the result is a position in the file.

using System.Text;

namespace NanoFlow.Tidy.Tests;

public sealed class CodeText
{
    private readonly string _text;
    private readonly bool _keepComments;
    private readonly StringBuilder _out = new();
    private int _at;

    private CodeText(string text, bool keepComments)
    {
        _text = text;
        _keepComments = keepComments;
    }

    /// <summary>The text without comments and without the contents of literals.</summary>
    public static string CodeOnly(string text) => Scan(text, keepComments: false);

    /// <summary>The text without the contents of literals.</summary>
    public static string WithComments(string text) => Scan(text, keepComments: true);

    private static string Scan(string text, bool keepComments)
    {
        var scanner = new CodeText(text, keepComments);
        scanner.ScanCode(untilBrace: false);
        return scanner._out.ToString();
    }

    // Copies code up to the end, or up to the brace that closes a hole of an interpolated string.
    private void ScanCode(bool untilBrace)
    {
        var depth = 0;
        while (_at < _text.Length)
        {
            var c = _text[_at];
            if (untilBrace && c == '}' && depth-- == 0)
            {
                return;
            }
            depth += c == '{' ? 1 : 0;
            if (Starts("//") || Starts("/*"))
            {
                ScanComment();
            }
            else if (c == '"' || (c == '\'' && !IsDigitSeparator()))
            {
                ScanLiteral(c);
            }
            else
            {
                Keep(1);
            }
        }
    }

    private void ScanComment()
    {
        var end = Starts("//") ? _text.IndexOf('\n', _at) : _text.IndexOf("*/", _at + 2) + 2;
        Until(end <= 1 ? _text.Length : end, _keepComments);
    }

    private void ScanLiteral(char quote)
    {
        var prefix = Prefix();
        if (quote == '"' && Starts("\"\"\""))
        {
            var quotes = _text.AsSpan(_at).IndexOfAnyExcept('"');
            var marks = new string('"', quotes < 0 ? 3 : quotes);
            Until(End(marks, _at + marks.Length), keep: false);
        }
        else if (quote == '"' && prefix.EndsWith('R'))
        {
            var delimiter = _text[(_at + 1).._text.IndexOf('(', _at)];
            Until(End($"){delimiter}\"", _at + 1), keep: false);
        }
        else
        {
            ScanQuoted(quote, prefix.Contains('@'), prefix.Contains('$'));
        }
    }

    private void ScanQuoted(char quote, bool isVerbatim, bool isInterpolated)
    {
        Keep(1);
        while (_at < _text.Length && (isVerbatim || _text[_at] != '\n'))
        {
            if (_text[_at] == '\\' && !isVerbatim)
            {
                Blank(2);
            }
            else if ((isVerbatim && Starts("\"\"")) || (isInterpolated && Starts("{{")))
            {
                Blank(2);
            }
            else if (isInterpolated && _text[_at] == '{')
            {
                Blank(1);
                ScanCode(untilBrace: true);
                Blank(1);
            }
            else if (_text[_at] == quote)
            {
                Keep(1);
                return;
            }
            else
            {
                Blank(1);
            }
        }
    }

    // The letters and marks that stand before an opening quote: $, @, R, u8R ...
    private string Prefix()
    {
        var start = _at;
        while (start > 0 && (_text[start - 1] is '$' or '@' or 'R' or 'u' or '8' or 'L'))
        {
            start--;
        }
        return _text[start.._at];
    }

    // 1'000'000 in C++.
    private bool IsDigitSeparator() =>
        _at > 0 && char.IsAsciiHexDigit(_text[_at - 1])
        && _at + 1 < _text.Length && char.IsAsciiHexDigit(_text[_at + 1])
        && (_at + 2 >= _text.Length || _text[_at + 2] != '\'');

    private int End(string mark, int from)
    {
        var found = _text.IndexOf(mark, from, StringComparison.Ordinal);
        return found < 0 ? _text.Length : found + mark.Length;
    }

    private bool Starts(string mark) =>
        string.CompareOrdinal(_text, _at, mark, 0, mark.Length) == 0;

    private void Until(int end, bool keep) => Copy(end - _at, keep);

    private void Blank(int count) => Copy(count, keep: false);

    private void Keep(int count) => Copy(count, keep: true);

    private void Copy(int count, bool keep)
    {
        for (var end = Math.Min(_at + count, _text.Length); _at < end; _at++)
        {
            _out.Append(keep || _text[_at] == '\n' ? _text[_at] : ' ');
        }
    }
}
