// The official JavaScript clients. Their packages are installed once, as the lock file pins them,
// under artifacts. Without node, npm or a network the cases are skipped, unless the environment
// says that they must run.

using System.ComponentModel;
using System.Diagnostics;

namespace NanoFlow.Server.Tests.Clients;

public sealed class NodeClient : IAsyncLifetime
{
    private const string MustRun = "NANOFLOW_TEST_CLIENTS";
    private const int OldestMajorVersion = 18;

    private static readonly string[] Sources = ["package.json", "package-lock.json", "run.mjs"];

    private ProcessRunner? _runner;
    private string _missing = "";

    public async ValueTask InitializeAsync()
    {
        try
        {
            await CheckVersionAsync();
            var folder = await InstallAsync();
            _runner = new ProcessRunner("node", folder, "node", "run.mjs");
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            _missing = e.Message;
        }
    }

    public ValueTask DisposeAsync() => _runner?.DisposeAsync() ?? ValueTask.CompletedTask;

    internal IClientRunner Runner
    {
        get
        {
            Assert.SkipWhen(
                _runner is null && Environment.GetEnvironmentVariable(MustRun) is null, _missing);
            return _runner ?? throw new InvalidOperationException(_missing);
        }
    }

    private static async Task CheckVersionAsync()
    {
        var version = await OutputAsync(".", "node", "--version");
        var major = int.Parse(version.TrimStart('v').Split('.')[0]);
        if (major < OldestMajorVersion)
        {
            throw new InvalidOperationException($"node {version} is too old");
        }
    }

    private static async Task<string> InstallAsync()
    {
        var source = Path.Combine(ClientFiles.Source, "node");
        var folder = Path.Combine(ClientFiles.Installed, "node");
        var lockFile = Path.Combine(folder, "package-lock.json");
        Directory.CreateDirectory(folder);
        var isCurrent = File.Exists(Path.Combine(folder, "node_modules", ".package-lock.json"))
            && File.Exists(lockFile)
            && await File.ReadAllTextAsync(lockFile)
                == await File.ReadAllTextAsync(Path.Combine(source, "package-lock.json"));
        foreach (var name in Sources)
        {
            File.Copy(Path.Combine(source, name), Path.Combine(folder, name), overwrite: true);
        }

        if (!isCurrent)
        {
            await OutputAsync(
                folder,
                OperatingSystem.IsWindows() ? "npm.cmd" : "npm",
                "ci", "--ignore-scripts", "--no-audit", "--no-fund");
        }

        return folder;
    }

    private static async Task<string> OutputAsync(
        string folder, string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? output.Trim()
            : throw new InvalidOperationException($"{program} failed: {await errors}");
    }
}
