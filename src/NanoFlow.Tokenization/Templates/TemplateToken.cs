// What the lexer hands to the parser: literal text, the borders of tags, and the words within them.

namespace NanoFlow.Tokenization.Templates;

internal enum TokenKind
{
    Text,
    OutputBegin,
    OutputEnd,
    BlockBegin,
    BlockEnd,
    Name,
    String,
    Integer,
    Float,
    Operator,
    End,
}

internal readonly record struct TemplateToken(TokenKind Kind, string Text, int Line)
{
    public bool Is(string symbol) =>
        Kind is TokenKind.Name or TokenKind.Operator && Text == symbol;
}
