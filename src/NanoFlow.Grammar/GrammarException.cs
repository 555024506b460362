namespace NanoFlow.Grammar;

/// <summary>A schema or pattern that cannot be followed. The message names the place in it.
/// </summary>
public sealed class GrammarException : Exception
{
    public GrammarException()
    {
    }

    public GrammarException(string message)
        : base(message)
    {
    }

    public GrammarException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
