// A chat template that cannot be parsed, fails while it renders, refuses the messages itself
// (raise_exception) or exceeds a limit. The message is one line and names the line of the template.

namespace NanoFlow.Tokenization;

public sealed class ChatTemplateException : Exception
{
    public ChatTemplateException()
    {
    }

    public ChatTemplateException(string message)
        : base(OneLine.Of(message))
    {
    }

    public ChatTemplateException(string message, Exception innerException)
        : base(OneLine.Of(message), innerException)
    {
    }

    public ChatTemplateException(int line, string reason)
        : base($"chat template, line {line}: {OneLine.Of(reason)}")
    {
        Line = line;
    }

    // Counted from 1; 0 when no line applies.
    public int Line { get; }
}
