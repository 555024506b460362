// The parser's place in the list of tokens.

namespace NanoFlow.Tokenization.Templates;

internal sealed class TokenReader(List<TemplateToken> tokens)
{
    private int _at;

    public TemplateToken Current => tokens[_at];

    public TemplateToken Next => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    public int Line => Current.Line;

    public TemplateToken Take()
    {
        var token = Current;
        _at = Math.Min(_at + 1, tokens.Count - 1);
        return token;
    }

    public TemplateToken Take(TokenKind kind) =>
        Current.Kind == kind ? Take() : throw Error($"{kind} expected, found '{Current.Text}'");

    public bool TryTake(string symbol)
    {
        if (!Current.Is(symbol))
        {
            return false;
        }
        Take();
        return true;
    }

    public void Expect(string symbol)
    {
        if (!TryTake(symbol))
        {
            throw Error($"'{symbol}' expected, found '{Current.Text}'");
        }
    }

    public ChatTemplateException Error(string reason) => new(Line, reason);
}
