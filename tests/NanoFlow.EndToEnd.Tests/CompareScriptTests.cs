// bench/compare-llama-cpp.sh, with a stand-in for llama-server: another nanoflow that understands
// the few flags the script uses.

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace NanoFlow.EndToEnd.Tests;

public sealed class CompareScriptTests : IDisposable
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "nanoflow");

    private readonly string _folder =
        Directory.CreateTempSubdirectory("nanoflow-compare-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Script_ChosenRows_FillsTheTable()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "a script for Linux");

        var finished = await RunAsync(
            "--rows", "bf16-1,bf16-16,start", "--pairs", "2", "--threads", "1",
            "--llama-server", $"bash {StandIn("exec")}");

        Assert.True(finished.ExitCode == 0, finished.Errors);
        var rows = finished.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[] heads =
        [
            "| 256 tokens in, 64 out | NanoFlow | llama.cpp | ratio |",
            "|---|---|---|---|",
            "| bf16, 1 client: ms a token | ",
            "| bf16, 1 client: ms to the first token | ",
            "| bf16, 16 clients: tokens/s | ",
            "| bf16: ms from start to ready | ",
            "| bf16: MiB of memory when ready (VmHWM) | ",
        ];
        Assert.Equal(heads.Length, rows.Length);
        Assert.All(heads.Zip(rows), pair => Assert.StartsWith(pair.First, pair.Second));
        Assert.All(rows, row => Assert.Equal(5, row.Count(c => c == '|')));
        Assert.All(rows[2..5], row => Assert.Equal(3, row.Split(" (").Length - 1));
    }

    [Fact]
    public async Task Script_ServerThatDoesNotStart_IsNamed()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "a script for Linux");

        var finished = await RunAsync(
            "--rows", "bf16-1", "--llama-server", $"bash {StandIn("echo no memory; false")}");

        Assert.Equal(1, finished.ExitCode);
        Assert.Contains("llama-server ended: no memory", finished.Errors);
    }

    [Theory]
    [InlineData("no row bf16-2", "--rows", "bf16-2")]
    [InlineData("--pairs: '0' is no count", "--pairs", "0")]
    [InlineData("--port: 'x' is no port", "--port", "x")]
    [InlineData("no flag --gpu", "--gpu", "1")]
    [InlineData("row int8-1 needs --gguf-q8", "--rows", "bf16-1,int8-1")]
    public async Task Script_WrongUsage_EndsWith2(string says, params string[] flags)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "a script for Linux");

        var finished = await RunAsync(flags);

        Assert.Equal(2, finished.ExitCode);
        Assert.Contains(says, finished.Errors);
    }

    // The script names the model's file after -m, which serve takes without a flag.
    private string StandIn(string command)
    {
        var path = Path.Combine(_folder, "llama-server");
        File.WriteAllText(path, $$"""
            while [ $# -gt 0 ]; do
              case $1 in -m) model=$2 ;; --port) port=$2 ;; esac
              shift
            done
            {{command}} {{Program}} serve "$model" --port "$port" --kv-cache-memory-bytes 16m
            """);
        return path;
    }

    private static async Task<Finished> RunAsync(params string[] flags)
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        var script = Path.Combine(NanoFlowProcess.Repository, "bench", "compare-llama-cpp.sh");
        var start = new ProcessStartInfo(
            "bash",
            [
                script, "--nanoflow", Program, "--model", LoadWorkload.TinyLlama,
                "--gguf", LoadWorkload.TinyLlama, "--port", $"{port}", .. flags,
            ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["NANOFLOW_CACHE"] = Path.Combine(AppContext.BaseDirectory, "cache");
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new Finished(process.ExitCode, output, await errors);
    }
}
