// nanoflow bench kernels, as it is typed. What it measures is not looked at, but for its signs.

using System.Text.Json;

namespace NanoFlow.EndToEnd.Tests;

public sealed class BenchKernelsTests
{
    // Soon done on any machine.
    private static readonly string[] Short =
        ["bench", "kernels", "--shape", "256x512", "--min-time", "1ms"];

    [Fact]
    public async Task Json_OfProducts_HasPeaksAndARowForEachCase()
    {
        var finished = await NanoFlowProcess.RunAsync(
            [.. Short, "--filter", "gemm_", "--threads", "1,2", "--isa", "scalar", "--json"]);

        Assert.Equal(0, finished.ExitCode);
        using var json = JsonDocument.Parse(finished.Output);
        var root = json.RootElement;
        Assert.Equal("scalar", root.GetProperty("isa").GetString());
        Assert.NotEmpty(root.GetProperty("processor").GetString()!);
        Assert.True(root.GetProperty("date").GetDateTimeOffset() > DateTimeOffset.UnixEpoch);
        Assert.Equal([1, 2], root.GetProperty("peaks").EnumerateArray().Select(Threads));
        Assert.All(root.GetProperty("peaks").EnumerateArray(), peaks =>
        {
            Assert.True(Number(peaks, "fp32_gop_per_s") > 0);
            Assert.True(Number(peaks, "int8_gop_per_s") > 0);
            Assert.True(Number(peaks, "read_gb_per_s") > 0);
        });
        var rows = root.GetProperty("rows").EnumerateArray().ToArray();
        Assert.Equal(rows.Count(row => Threads(row) == 1), rows.Count(row => Threads(row) == 2));
        Assert.Contains(rows, row => Name(row, "kernel") == "gemm_q4_k_scalar");
        Assert.All(rows, row => Assert.Contains("gemm_", Name(row, "kernel")));
        Assert.All(rows, CheckRow);
    }

    [Fact]
    public async Task Row_OfAProduct_HasItsWork()
    {
        var finished = await NanoFlowProcess.RunAsync(
            [.. Short, "--filter", "256x512", "--threads", "1", "--json"]);

        using var json = JsonDocument.Parse(finished.Output);
        var row = json.RootElement.GetProperty("rows").EnumerateArray().First(
            row => Name(row, "kind") == "gemm" && Number(row, "rows") == 8);
        Assert.Equal("256x512", Name(row, "shape"));
        Assert.Equal(2 * 8 * 256 * 512, Number(row, "operations"));
        Assert.Equal(2 * 256 * 512, Number(row, "bytes"));
        Assert.True(Number(row, "launches") >= 7);
    }

    [Fact]
    public async Task Table_OfAllKernels_FitsOnAScreen()
    {
        var finished = await NanoFlowProcess.RunAsync([.. Short, "--threads", "2"]);

        Assert.Equal(0, finished.ExitCode);
        var lines = finished.Output.Split('\n');
        Assert.All(lines, line => Assert.True(line.Length <= 100, line));
        Assert.Contains(lines, line => line.EndsWith(", 2 threads", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("peaks: fp32 ", StringComparison.Ordinal));
        foreach (var kernel in new[] { "gemm", "decode_attention", "sample", "rms_norm", "echo" })
        {
            Assert.Contains(
                lines, line => line.StartsWith(kernel + " ", StringComparison.Ordinal));
        }
    }

    private static void CheckRow(JsonElement row)
    {
        Assert.True(Number(row, "min_us") > 0);
        Assert.True(Number(row, "min_us") <= Number(row, "median_us"));
        Assert.True(Number(row, "median_us") <= Number(row, "max_us"));
        Assert.True(Number(row, "gop_per_s") > 0);
        Assert.True(Number(row, "gb_per_s") > 0);
        Assert.True(Number(row, "share") > 0);
        Assert.Contains(Name(row, "bound"), new[] { "fp32", "bf16", "int8", "memory" });
    }

    private static int Threads(JsonElement element) => element.GetProperty("threads").GetInt32();

    private static string Name(JsonElement element, string name) =>
        element.GetProperty(name).GetString()!;

    private static double Number(JsonElement element, string name) =>
        element.GetProperty(name).GetDouble();
}
