// The official Python client, where the environment says how to start a Python that has it. The
// tests themselves need no Python, so nothing is installed for it.

namespace NanoFlow.Server.Tests.Clients;

public sealed class PythonClient : IAsyncLifetime
{
    private const string Variable = "NANOFLOW_TEST_PYTHON";

    private ProcessRunner? _runner;

    /// <summary>Program and arguments, the script among them, separated by spaces.</summary>
    public static string? Command => Environment.GetEnvironmentVariable(Variable);

    internal IClientRunner Runner
    {
        get
        {
            Assert.SkipWhen(_runner is null, $"{Variable} is not set");
            return _runner!;
        }
    }

    public ValueTask InitializeAsync()
    {
        if (Command?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } parts)
        {
            _runner = new ProcessRunner(
                "python", Path.Combine(ClientFiles.Source, "python"), parts[0], parts[1..]);
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => _runner?.DisposeAsync() ?? ValueTask.CompletedTask;
}
