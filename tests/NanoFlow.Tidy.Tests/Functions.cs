// Finds function bodies in code without comments and literals, by braces: a block belongs to a
// function when a parameter list stands before it and no word or '=' there says otherwise.

using System.Text.RegularExpressions;

namespace NanoFlow.Tidy.Tests;

public sealed record FunctionSpan(int Line, int Lines);

public static partial class Functions
{
    public static IEnumerable<FunctionSpan> Of(string code)
    {
        code = Preprocessor().Replace(code, line => new string('\n', line.Value.Count('\n')));
        var open = new Stack<(bool IsFunction, int Line)>();
        var line = 1;
        var headStart = 0;
        for (var at = 0; at < code.Length; at++)
        {
            switch (code[at])
            {
                case '\n':
                    line++;
                    break;
                case '{':
                    var isInside = open.Any(block => block.IsFunction);
                    open.Push((!isInside && IsFunctionHead(code[headStart..at]), line));
                    headStart = at + 1;
                    break;
                case '}' when open.TryPop(out var block):
                    if (block.IsFunction)
                    {
                        yield return new FunctionSpan(block.Line, line - block.Line + 1);
                    }
                    headStart = at + 1;
                    break;
                case ';':
                    headStart = at + 1;
                    break;
            }
        }
    }

    private static bool IsFunctionHead(string head)
    {
        var outside = Parentheses().Replace(head, "()");
        return outside.Contains('(')
            && !NotAFunction().IsMatch(outside)
            && (!outside.Contains('=') || outside.Contains("operator"));
    }

    // A directive with its continuation lines.
    [GeneratedRegex(@"^[ \t]*#(?:[^\n\\]|\\\n|\\)*", RegexOptions.Multiline)]
    private static partial Regex Preprocessor();

    // Balanced parentheses.
    [GeneratedRegex(@"\((?>[^()]+|(?<open>\()|(?<-open>\)))*(?(open)(?!))\)")]
    private static partial Regex Parentheses();

    [GeneratedRegex(@"\b(?:class|struct|record|interface|enum|union|namespace|new|switch)\b")]
    private static partial Regex NotAFunction();
}
