// The way from measurements to a served plan, as a user goes it: calibrate, search, show, trace,
// ablate. With a model of experts, of which no code of the search knows.

using System.Text.Json;
using System.Xml.Linq;

namespace NanoFlow.EndToEnd.Tests;

public sealed class PlanCommandTests : IDisposable
{
    // A small engine, so that everything is measured in seconds.
    private static readonly string[] Engine =
    [
        "--threads", "2", "--kv-cache-memory-bytes", "16m", "--max-num-seqs", "8",
        "--max-num-batched-tokens", "32",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("nanoflow-plans-").FullName;

    private static string Experts =>
        Path.Combine(NanoFlowProcess.Repository, "tests", "golden", "tiny-mixtral");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Commands_OneAfterTheOther_FitTogether()
    {
        var costs = In("costs.json");
        var plans = In("plans.json");
        var calibrated = await RunAsync(
            "calibrate", Experts, "--budget", "1s", "--out", costs, "--check", "1",
            "--mix", "32/4/64");
        Assert.Contains("cost table", calibrated.Output);
        Assert.Contains("within 10 %", calibrated.Output);

        var again = await RunAsync("calibrate", Experts, "--budget", "1s", "--out", costs);
        Assert.Contains("median difference to the last run", again.Output);

        var searched = await RunAsync(
            "search", Experts, "--costs", costs, "--search-budget", "1s", "--mix", "32/4/64",
            "--out", plans);
        Assert.Contains("32/4/64", searched.Output);
        Assert.Contains("gap", searched.Output);

        var picture = In("plan.svg");
        var shown = await NanoFlowProcess.RunAsync(["show", plans, "--svg", picture]);
        Assert.Equal(0, shown.ExitCode);
        Assert.Contains("experts", shown.Output);
        Assert.Equal("svg", XDocument.Load(picture).Root!.Name.LocalName);

        var trace = In("trace.json");
        await RunAsync(
            "trace", Experts, "--plan", plans, "--costs", costs, "--mix", "32/4/64", "--out",
            trace);
        using var events = JsonDocument.Parse(await File.ReadAllBytesAsync(trace));
        Assert.True(events.RootElement.GetProperty("traceEvents").GetArrayLength() > 20);

        var ablated = await RunAsync(
            "ablate", Experts, "--plan", plans, "--costs", costs);
        Assert.Contains("sequential", ablated.Output);
        Assert.Contains("split", ablated.Output);
        Assert.Contains("overlapped", ablated.Output);
    }

    [Fact]
    public async Task Costs_OfAnotherModel_AreRefusedWithTheReason()
    {
        var costs = In("costs.json");
        await RunAsync("calibrate", Experts, "--budget", "1s", "--out", costs);

        var finished = await NanoFlowProcess.RunAsync(
            ["search", NanoFlowProcess.Storyteller, "--costs", costs, .. Engine]);

        Assert.Equal(1, finished.ExitCode);
        Assert.Contains("costs.graph", finished.ErrorLines[^1]);
        Assert.Contains(costs, finished.ErrorLines[^1]);
    }

    [Theory]
    [InlineData("{}", "plan.format")]
    [InlineData("no json", "not valid JSON")]
    public async Task Show_FileThatIsNoPlan_EndsWith1AndTheReason(string content, string says)
    {
        var path = In("plan.json");
        await File.WriteAllTextAsync(path, content);

        var finished = await NanoFlowProcess.RunAsync(["show", path]);

        Assert.Equal(1, finished.ExitCode);
        Assert.Contains(says, Assert.Single(finished.ErrorLines));
    }

    [Theory]
    [InlineData("1/2/3", "such as 512/64/1024")]
    [InlineData("0/0/1", "such as 512/64/1024")]
    [InlineData("64/0/64", "at most 32 rows")]
    [InlineData("16/16/64", "8 sequences")]
    public async Task Mix_ThatCannotBe_IsRefused(string mix, string says)
    {
        var finished = await NanoFlowProcess.RunAsync(
            ["search", Experts, "--mix", mix, .. Engine]);

        Assert.Equal(2, finished.ExitCode);
        Assert.Contains("--mix", finished.ErrorLines[^1]);
        Assert.Contains(says, finished.ErrorLines[^1]);
    }

    private string In(string name) => Path.Combine(_folder, name);

    private async Task<Finished> RunAsync(params string[] arguments)
    {
        var finished = await NanoFlowProcess.RunAsync([.. arguments, .. Engine]);
        Assert.True(finished.ExitCode == 0, finished.Errors);
        return finished;
    }
}
