namespace NanoFlow.Planning;

/// <summary>A plan or cost file is wrong; the message names the field and the allowed
/// range.</summary>
public sealed class PlanFormatException : Exception
{
    public PlanFormatException(string message)
        : base(message)
    {
    }

    public PlanFormatException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
