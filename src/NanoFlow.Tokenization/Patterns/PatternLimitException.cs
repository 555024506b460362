// Raised when splitting a text costs far more steps than any sound pattern needs. The text, not the
// tokenizer file, triggers it, so a server answers it as a bad request.

namespace NanoFlow.Tokenization.Patterns;

public sealed class PatternLimitException : Exception
{
    public PatternLimitException()
    {
    }

    public PatternLimitException(string message)
        : base(message)
    {
    }

    public PatternLimitException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
