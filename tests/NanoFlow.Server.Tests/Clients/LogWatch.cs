// Waits for a line of a server's log.

using Microsoft.Extensions.Logging;

namespace NanoFlow.Server.Tests.Clients;

internal sealed class LogWatch(string text) : ILoggerProvider, ILogger
{
    private readonly TaskCompletionSource _seen =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes with the first line that has the text.</summary>
    public Task Seen => _seen.Task;

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (formatter(state, exception).Contains(text, StringComparison.Ordinal))
        {
            _seen.TrySetResult();
        }
    }

    public void Dispose()
    {
        // Nothing is held.
    }
}
