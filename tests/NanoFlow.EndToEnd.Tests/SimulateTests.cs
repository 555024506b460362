// nanoflow simulate, as it is typed.

using System.Text.Json;

namespace NanoFlow.EndToEnd.Tests;

public sealed class SimulateTests
{
    [Fact]
    public async Task Tables_StandBesideThePublishedOnes()
    {
        var finished = await NanoFlowProcess.RunAsync(["simulate"]);

        Assert.Equal(0, finished.ExitCode);
        Assert.Contains("0.613 (0.61)", finished.Output); // T_R, Llama-3-8B, 512-512
        Assert.Contains("27488 (27488)", finished.Output); // KQV, GFLOP
    }

    [Fact]
    public async Task Service_IsPredictedWithinItsBounds()
    {
        var finished = await NanoFlowProcess.RunAsync(
        [
            "simulate", "--model", "Llama-3-8B", "--accelerator", "H200", "--workload",
            "1000/1000", "--search-budget", "1s", "--json",
        ]);

        Assert.Equal(0, finished.ExitCode);
        using var json = JsonDocument.Parse(finished.Output);
        var figures = json.RootElement;
        Assert.Equal("Llama-3-8B", figures.GetProperty("model").GetString());
        Assert.Equal(564, figures.GetProperty("sequences").GetDouble());
        var sequential = figures.GetProperty("sequential_tokens").GetDouble();
        var found = figures.GetProperty("found_tokens").GetDouble();
        Assert.InRange(sequential, 1, figures.GetProperty("sequential_bound").GetDouble());
        Assert.InRange(found, sequential, figures.GetProperty("overlapped_bound").GetDouble());
    }

    [Fact]
    public async Task File_OfTheUser_ReplacesFigures()
    {
        var path = Path.GetTempFileName();
        await File.WriteAllTextAsync(path, """
            {"accelerators": [{"name": "A100-80G", "kind": "gpu", "memory_gb": 80,
            "memory_gbps": 2000, "network_gbps": 600, "tflops": 624}]}
            """);

        var finished = await NanoFlowProcess.RunAsync(["simulate", "--accelerators", path]);
        File.Delete(path);

        Assert.Equal(0, finished.ExitCode);
        Assert.Contains("1.227 (0.61)", finished.Output); // twice the published ratio
    }

    [Fact]
    public async Task File_Wrong_IsRefusedByField()
    {
        var path = Path.GetTempFileName();
        await File.WriteAllTextAsync(path, """{"models": [{"name": "M", "layers": 0}]}""");

        var finished = await NanoFlowProcess.RunAsync(["simulate", "--models", path]);
        File.Delete(path);

        Assert.Equal(1, finished.ExitCode);
        Assert.Contains("layers is 0, allowed are 1 to 1024", Assert.Single(finished.ErrorLines));
    }
}
