// nanoflow eval kl, and --quantization of the commands beside it.

using System.Text.Json;
using NanoFlow.Models;
using NanoFlow.Models.Tests;

namespace NanoFlow.EndToEnd.Tests;

public sealed class EvalTests : IDisposable
{
    private static readonly string Mixtral =
        Path.Combine(NanoFlowProcess.Repository, "tests", "golden", "tiny-mixtral");

    private static readonly string Gguf = Path.Combine(
        NanoFlowProcess.Repository, "tests", "golden", "gguf", "llama-mixed.gguf");

    private readonly string _folder =
        Directory.CreateTempSubdirectory("nanoflow-eval-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task EvalKl_Unquantized_FindsNoDifference()
    {
        var json = await EvalAsync("--text", Write("text", string.Concat(
            Enumerable.Repeat("Once upon a time there was a fox called Lily. ", 40))));

        Assert.Equal(0, json.GetProperty("mean_kl").GetDouble());
        Assert.Equal(0, json.GetProperty("max_kl").GetDouble());
        Assert.Equal(1, json.GetProperty("same_top").GetDouble());
        Assert.Equal(
            json.GetProperty("baseline_perplexity").GetDouble(),
            json.GetProperty("perplexity").GetDouble());
        Assert.True(json.GetProperty("perplexity").GetDouble() > 1);
        Assert.True(json.GetProperty("predictions").GetInt32() > 300);
        Assert.Equal(384, json.GetProperty("window").GetInt32());
    }

    [Fact]
    public async Task EvalKl_Int8_IsCloseToItsBaseline()
    {
        var json = await EvalAsync(
            "--quantization", "int8", "--window", "100", "--tokens", Write(
                "ids", string.Join('\n', Enumerable.Range(0, 400).Select(i => i * 7 % 1536))));

        Assert.Equal("layers and LM head", json.GetProperty("model_int8").GetString());
        Assert.Equal("nothing", json.GetProperty("baseline_int8").GetString());
        Assert.Equal(396, json.GetProperty("predictions").GetInt32());
        Assert.InRange(json.GetProperty("mean_kl").GetDouble(), 1e-9, 0.1);
        Assert.InRange(json.GetProperty("same_top").GetDouble(), 0.8, 1);
    }

    // A folder that was rounded before says the same as one that is rounded at its load.
    [Fact]
    public async Task EvalKl_Int8Folder_NamesItsBaseline()
    {
        var folder = Path.Combine(_folder, "int8");
        Int8Folder.Write(NanoFlowProcess.Storyteller, folder, Int8Parts.Layers);
        var ids = Write("ids", string.Join(' ', Enumerable.Range(1, 300)));
        var alone = await NanoFlowProcess.RunAsync(["eval", "kl", folder, "--tokens", ids]);
        var beside = await NanoFlowProcess.RunAsync([
            "eval", "kl", folder, "--tokens", ids, "--json",
            "--against", NanoFlowProcess.Storyteller,
        ]);
        var inspected = await NanoFlowProcess.RunAsync(["model", "inspect", folder]);

        Assert.Equal(1, alone.ExitCode);
        Assert.Contains(
            "--against bf16: int8 is stored quantized; name the model that it was made from",
            Assert.Single(alone.ErrorLines));
        Assert.Equal(0, beside.ExitCode);
        var kl = JsonDocument.Parse(beside.Output).RootElement.GetProperty("mean_kl").GetDouble();
        Assert.InRange(kl, 1e-9, 0.1);
        Assert.Matches("types of elements +BF16 F32 I8\n", inspected.Output);
        Assert.Matches("stored as int8 +layers\n", inspected.Output);
    }

    [Theory]
    [InlineData("1 2\n3 x 4", 1, "line 2, token 4 is 'x', an id from 0 to 1535 is wanted")]
    [InlineData("1 2\n\n 1536", 1, "line 3, token 3 is '1536', an id from 0 to 1535 is wanted")]
    [InlineData("-1", 1, "line 1, token 1 is '-1'")]
    [InlineData("99999999999999999999999", 1, "token 1 is '99999999999999999999', an id from")]
    [InlineData("", 2, "0 tokens in windows of 384 leave 0 to be predicted, at least 2")]
    [InlineData("1 2", 2, "2 tokens in windows of 384 leave 1 to be predicted, at least 2")]
    public async Task EvalKl_BadTokens_AreOneLine(string content, int exitCode, string says)
    {
        var finished = await NanoFlowProcess.RunAsync(
            ["eval", "kl", NanoFlowProcess.Storyteller, "--tokens", Write("ids", content)]);

        Assert.Equal(exitCode, finished.ExitCode);
        Assert.Contains(says, Assert.Single(finished.ErrorLines));
        Assert.Empty(finished.Output);
    }

    [Fact]
    public async Task EvalKl_NotUtf8_IsOneLine()
    {
        var path = Path.Combine(_folder, "text");
        await File.WriteAllBytesAsync(path, [65, 0xFF, 66]);
        var finished = await NanoFlowProcess.RunAsync(
            ["eval", "kl", NanoFlowProcess.Storyteller, "--text", path]);

        Assert.Equal(1, finished.ExitCode);
        Assert.Contains("is not UTF-8 text", Assert.Single(finished.ErrorLines));
    }

    [Theory]
    [InlineData("eval kl STORYTELLER", "--tokens or --text is wanted, one of the two")]
    [InlineData("eval kl STORYTELLER --tokens IDS --text IDS", "one of the two")]
    [InlineData("eval kl STORYTELLER --tokens IDS --window 385",
        "--window is 385; the models were made for 384 tokens")]
    [InlineData("eval kl STORYTELLER --tokens IDS --window 1", "2 to 4194304")]
    [InlineData("eval kl STORYTELLER --tokens IDS --against MIXTRAL", "vocabularies have 1536 and")]
    [InlineData("eval kl STORYTELLER --tokens IDS --quantization fp8", "auto or int8")]
    [InlineData("memory MIXTRAL --quantization int8",
        "--quantization is int8, which there is not for models with experts; allowed here is auto")]
    [InlineData("memory GGUF --quantization int8",
        "blocks and stay in them; allowed here is auto")]
    [InlineData("memory STORYTELLER --quantization int8 --device cuda",
        "--quantization is int8, which the CPU computes in and a GPU does not; allowed here is")]
    public async Task Usage_Wrong_EndsWith2AndOneLine(string arguments, string says)
    {
        var ids = Write("ids", string.Join(' ', Enumerable.Range(0, 100)));
        var finished = await NanoFlowProcess.RunAsync(arguments
            .Replace("STORYTELLER", NanoFlowProcess.Storyteller)
            .Replace("MIXTRAL", Mixtral)
            .Replace("GGUF", Gguf)
            .Replace("IDS", ids)
            .Split(' '));

        Assert.Equal(2, finished.ExitCode);
        var complaint = Assert.Single(
            finished.ErrorLines, line => !line.StartsWith("device", StringComparison.Ordinal));
        Assert.Contains(says, complaint);
    }

    [Fact]
    public async Task Memory_Int8_HasSmallerWeights()
    {
        var plain = await MemoryAsync();
        var int8 = await MemoryAsync("--quantization", "int8");

        Assert.Equal("none", plain.GetProperty("quantization").GetString());
        Assert.Equal("int8", int8.GetProperty("quantization").GetString());
        var ratio = int8.GetProperty("weights_bytes").GetDouble()
            / plain.GetProperty("weights_bytes").GetDouble();
        Assert.InRange(ratio, 0.5, 0.6);
    }

    private static async Task<JsonElement> MemoryAsync(params string[] flags)
    {
        var finished = await NanoFlowProcess.RunAsync(
            ["memory", NanoFlowProcess.Storyteller, "--json", "--device", "cpu", .. flags]);
        Assert.True(finished.ExitCode == 0, finished.Errors);
        return JsonDocument.Parse(finished.Output).RootElement;
    }

    private static async Task<JsonElement> EvalAsync(params string[] flags)
    {
        var finished = await NanoFlowProcess.RunAsync(
            ["eval", "kl", NanoFlowProcess.Storyteller, "--json", "--device", "cpu", .. flags]);
        Assert.True(finished.ExitCode == 0, finished.Errors);
        return JsonDocument.Parse(finished.Output).RootElement;
    }

    private string Write(string name, string content)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, content);
        return path;
    }
}
