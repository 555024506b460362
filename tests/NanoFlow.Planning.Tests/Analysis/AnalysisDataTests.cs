// The data files, and what is said about wrong ones.

using System.Text;
using NanoFlow.Planning.Analysis;

namespace NanoFlow.Planning.Tests.Analysis;

public sealed class AnalysisDataTests
{
    private const string Gpu =
        """
        {"name": "X", "kind": "gpu", "memory_gb": 80, "memory_gbps": 2000, "tflops": 312}
        """;

    private const string Model =
        """
        {"name": "M", "layers": 2, "hidden": 64, "heads": 4, "kv_heads": 2, "head_dim": 16,
        "intermediate": 128, "vocabulary": 1000, "parameters_billion": 0.000202}
        """;

    // Counted by hand from the shapes of Hugging Face checkpoints.
    [Theory]
    [InlineData("Llama-3-8B", 8_030_261_248, 8_030_261_248)]
    [InlineData("Llama-2-70B", 68_976_648_192, 68_976_648_192)]
    [InlineData("Qwen2-72B", 72_706_203_648, 72_706_203_648)]
    [InlineData("Mixtral-8x7B", 46_702_792_704, 12_879_925_248)]
    public void Parameters_OfPublishedModels_AreTheirs(string name, double all, double active)
    {
        var model = AnalysisData.ModelOf(name);

        Assert.Equal(all, model.Parameters);
        Assert.Equal(active, model.ActiveParameters);
    }

    [Fact]
    public void KvBytes_OfLlama70B_Are320KiB() => Assert.Equal(
        320 * 1024, AnalysisData.ModelOf("Llama-2-70B").KvBytes(NumberFormat.Bf16));

    [Fact]
    public void File_OfTheUser_IsRead()
    {
        var accelerator = Assert.Single(Accelerators(Gpu));
        var model = Assert.Single(AnalysisData.ReadModels(Utf8(Models(Model)), "mine.json"));

        Assert.Equal(312e12, accelerator.Flops(NumberFormat.Bf16));
        Assert.Equal(0, accelerator.Flops(NumberFormat.Fp8));
        Assert.Equal(202_048, model.Parameters);
    }

    [Theory]
    [InlineData("\"memory_gb\": 80", "\"memory_gb\": -1", "memory_gb is -1, allowed are 0.001")]
    [InlineData("\"memory_gb\": 80, ", "", "memory_gb is missing")]
    [InlineData("\"tflops\": 312", "\"tflops\": \"fast\"", "tflops is String, not Number")]
    [InlineData("\"tflops\": 312", "\"tflops\": 1e999", "tflops is 1e999")]
    [InlineData("\"gpu\"", "\"tpu\"", "kind is 'tpu', allowed are gpu and cpu")]
    [InlineData("\"gpu\"", "\"cpu\"", "cores is missing")]
    [InlineData("\"X\"", "\"\"", "name has 0 characters")]
    [InlineData("\"X\"", "\"\\ud800\"", "name is not valid Unicode")]
    [InlineData("}", ", \"measured_share\": 2}", "measured_share is 2, allowed are 0.01 to 1")]
    [InlineData("}", "", "not valid JSON")]
    public void Accelerator_Wrong_IsRefusedByField(string from, string to, string says)
    {
        var error = Assert.Throws<AnalysisDataException>(() => Accelerators(Gpu.Replace(from, to)));

        Assert.Contains(says, error.Message);
    }

    [Theory]
    [InlineData("\"kv_heads\": 2", "\"kv_heads\": 3", "kv_heads is 3, allowed are divisors")]
    [InlineData("\"layers\": 2", "\"layers\": 1.5", "layers is 1.5, allowed are 1 to 1024")]
    [InlineData("0.000202", "0.0003", "parameters_billion is 0.0003, but the shape has")]
    [InlineData("\"layers\"", "\"experts\": 4, \"layers\"", "active_experts is missing")]
    public void Model_Wrong_IsRefusedByField(string from, string to, string says)
    {
        var error = Assert.Throws<AnalysisDataException>(() =>
            AnalysisData.ReadModels(Utf8(Models(Model.Replace(from, to))), "mine.json"));

        Assert.StartsWith("mine.json", error.Message);
        Assert.Contains(says, error.Message);
    }

    [Fact]
    public void Name_Twice_IsRefused()
    {
        var error = Assert.Throws<AnalysisDataException>(() => Accelerators($"{Gpu}, {Gpu}"));

        Assert.Contains("two entries of the name 'X'", error.Message);
    }

    private static IReadOnlyList<Accelerator> Accelerators(string entries) =>
        AnalysisData.ReadAccelerators(
            Utf8($$"""{"accelerators": [{{entries}}]}"""), "mine.json");

    private static string Models(string entries) => $$"""{"models": [{{entries}}]}""";

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
