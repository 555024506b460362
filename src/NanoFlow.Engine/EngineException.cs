namespace NanoFlow.Engine;

/// <summary>The environment broke, or a model or plan cannot be used here: what and why.</summary>
public class EngineException : Exception
{
    public EngineException(string message)
        : base(message)
    {
    }

    public EngineException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
