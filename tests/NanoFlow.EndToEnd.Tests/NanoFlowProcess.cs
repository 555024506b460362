// The built program as a process of its own: arguments in, lines and an exit code out.

using System.Diagnostics;
using System.Text;

namespace NanoFlow.EndToEnd.Tests;

/// <param name="Output">Of stdout.</param>
/// <param name="Errors">Of stderr.</param>
public sealed record Finished(int ExitCode, string Output, string Errors)
{
    public string[] ErrorLines => Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

public sealed class NanoFlowProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly Process _process;
    private readonly Task<string> _errors;
    private readonly StringBuilder _output = new();

    private NanoFlowProcess(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    public static string Repository { get; } = FindRepository();

    public static string Storyteller => Path.Combine(Repository, "samples", "storyteller");

    public int Id => _process.Id;

    public static NanoFlowProcess Start(
        IEnumerable<string> arguments, params (string Name, string Value)[] variables)
    {
        var program = OperatingSystem.IsWindows() ? "nanoflow.exe" : "nanoflow";
        var start = new ProcessStartInfo(
            Path.Combine(AppContext.BaseDirectory, program), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // What the user of this machine has found for a model is not part of a test.
        start.Environment["NANOFLOW_CACHE"] = Path.Combine(AppContext.BaseDirectory, "cache");
        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        return new NanoFlowProcess(Process.Start(start)!);
    }

    public static async Task<Finished> RunAsync(
        IEnumerable<string> arguments, params (string Name, string Value)[] variables)
    {
        await using var process = Start(arguments, variables);
        return await process.FinishAsync();
    }

    /// <summary>Starts a server on a free port and waits until it says where it listens.</summary>
    public static async Task<(NanoFlowProcess Process, HttpClient Client)> ServeAsync(
        string model, params string[] flags)
    {
        var process = Start(["serve", model, "--port", "0", .. flags]);
        var line = await process.ReadLineAsync("serving");
        var address = line[line.IndexOf("http://", StringComparison.Ordinal)..];
        return (process, new HttpClient { BaseAddress = new Uri(address) });
    }

    /// <summary>Reads stdout up to a line that begins so.</summary>
    public async Task<string> ReadLineAsync(string beginning)
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            _output.Append(line).Append('\n');
            if (line.StartsWith(beginning, StringComparison.Ordinal))
            {
                return line;
            }
        }

        var finished = await FinishAsync();
        throw new InvalidOperationException(
            $"nanoflow ended with {finished.ExitCode}: {finished.Errors}");
    }

    public async Task<Finished> FinishAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        var rest = await _process.StandardOutput.ReadToEndAsync(limit.Token);
        await _process.WaitForExitAsync(limit.Token);
        return new Finished(_process.ExitCode, _output + rest, await _errors);
    }

    /// <summary>SIGTERM, as a service manager sends it.</summary>
    public async Task TerminateAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{Id}"]);
        await kill.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static string FindRepository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "NanoFlow.sln")))
        {
            folder = folder.Parent!;
        }

        return folder.FullName;
    }
}
