// Raised when a tokenizer file cannot be used: malformed, out of range, or naming a component that
// is not supported. The message is one line that names the file, the place in it and the reason.

namespace NanoFlow.Tokenization;

public sealed class TokenizerFormatException : Exception
{
    public TokenizerFormatException()
    {
    }

    public TokenizerFormatException(string message)
        : base(OneLine.Of(message))
    {
    }

    public TokenizerFormatException(string message, Exception innerException)
        : base(OneLine.Of(message), innerException)
    {
    }
}
