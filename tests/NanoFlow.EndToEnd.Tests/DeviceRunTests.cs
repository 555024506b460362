// tests/device/run.sh as it runs on a machine with a GPU, but on the CPU and with a tiny model: the
// minutes on such a machine are few, and are not for finding mistakes of the script.

using System.Diagnostics;
using System.Text.Json;

namespace NanoFlow.EndToEnd.Tests;

public sealed class DeviceRunTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private static readonly string Native =
        Path.Combine(NanoFlowProcess.Repository, "artifacts", "native", "linux-x64", "out");

    // Beside the folder of these tests.
    private static readonly string Goldens = AppContext.BaseDirectory.Replace(
        "NanoFlow.EndToEnd.Tests", "NanoFlow.Golden.Tests", StringComparison.Ordinal);

    private readonly string _folder = Directory.CreateTempSubdirectory("nanoflow-device-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Run_AllOnTheCpu_GoesToTheEndAndGoesOnWhereItWas()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the script is for Linux");
        Assert.SkipUnless(
            File.Exists(Path.Combine(Native, "nanoflow_native_tests")),
            "the native tests are not built");

        var whole = await RunAsync("all", "--copy", In("copy"));

        Assert.True(whole.ExitCode == 0, whole.Output + whole.Errors);
        var steps = ReadSteps(In("copy/results.json"));
        Assert.Equal(
            ["build", "memcheck", "racecheck"],
            steps.Where(step => step.Value == "skipped").Select(step => step.Key).Order());
        Assert.All(steps.Values, status => Assert.True(status is "passed" or "skipped", status));
        Assert.Contains("bench-16-16-sequential", steps.Keys);
        Assert.Contains("goldens", steps.Keys);
        Assert.Contains(
            "| output_throughput | ", await File.ReadAllTextAsync(In("copy/results.md")));

        // Nothing is left to do; what is asked for again is done again.
        var table = File.GetLastWriteTimeUtc(In("out/results/calibrate.json"));
        var bench = File.GetLastWriteTimeUtc(In("out/results/bench-16-16.json"));
        var resumed = await RunAsync("all");
        var again = await RunAsync("bench-8b", "--again");
        Assert.Equal((0, 0), (resumed.ExitCode, again.ExitCode));
        Assert.Contains("calibrate: passed before", resumed.Output);
        Assert.DoesNotContain("passed after", resumed.Output);
        Assert.Equal(table, File.GetLastWriteTimeUtc(In("out/results/calibrate.json")));
        Assert.True(bench < File.GetLastWriteTimeUtc(In("out/results/bench-16-16.json")));
    }

    [Fact]
    public async Task Run_NoTimeLeft_SaysSoAndEndsWith3()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the script is for Linux");

        var late = await RunAsync("tests", "--minutes", "0");

        Assert.Equal(3, late.ExitCode);
        Assert.Contains("doctor: no time left", late.Output);
        Assert.All(
            ReadSteps(In("out/results.json")).Values, status => Assert.Equal("late", status));
    }

    [Fact]
    public async Task Run_StepFails_SaysWhichAndEndsWith1()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the script is for Linux");

        // There are no tests in that folder.
        var failed = await RunAsync("tests", "--native", _folder);

        Assert.Equal(1, failed.ExitCode);
        Assert.Contains("native-tests: failed", failed.Output);
        Assert.Equal("passed", ReadSteps(In("out/results.json"))["doctor"]);
    }

    [Theory]
    [InlineData("--device", "gpu")]
    [InlineData("--minutes", "x")]
    [InlineData("everything")]
    [InlineData("--out")]
    public async Task Run_WrongUsage_EndsWith2(params string[] arguments)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the script is for Linux");
        Assert.Equal(2, (await RunAsync(arguments)).ExitCode);
    }

    private static Dictionary<string, string> ReadSteps(string path)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(path));
        return json.RootElement.GetProperty("steps").EnumerateObject().ToDictionary(
            step => step.Name, step => step.Value.GetProperty("status").GetString()!);
    }

    private string In(string name) => Path.Combine(_folder, name);

    private async Task<Finished> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(
            "bash",
            [
                Path.Combine(NanoFlowProcess.Repository, "tests", "device", "run.sh"),
                "--device", "cpu", "--native", Native, "--nanoflow", AppContext.BaseDirectory,
                "--nanoflow", Goldens, "--out", In("out"), .. arguments,
            ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(Patience);
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        return new Finished(process.ExitCode, output, await errors);
    }
}
