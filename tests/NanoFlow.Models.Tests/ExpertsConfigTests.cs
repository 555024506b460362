// What Mixtral's and Qwen3's configurations say about experts, and the tensors that follow.

using System.Text.Json.Nodes;

namespace NanoFlow.Models.Tests;

public sealed class ExpertsConfigTests
{
    private const string Mixtral = "MixtralForCausalLM";
    private const string Qwen3Moe = "Qwen3MoeForCausalLM";

    [Theory]
    [InlineData("{}", false, new int[0])]
    [InlineData("{\"norm_topk_prob\": true, \"mlp_only_layers\": null}", true, new int[0])]
    [InlineData("{\"sliding_window\": 32}", false, new int[0])]
    [InlineData(
        "{\"use_sliding_window\": true, \"sliding_window\": 32, \"max_window_layers\": 1}",
        false,
        new[] { 32, 32 })]
    public void Qwen3Moe_Config_SaysWhetherWeightsAreScaledAndWindowsUsed(
        string fields, bool normalize, int[] windows)
    {
        var config = Parse(Qwen3Moe, fields);

        Assert.Equal(new ExpertsConfig(8, 3, 40, normalize), config.Experts);
        Assert.Equal(windows, config.LayerWindows);
    }

    [Fact]
    public void Qwen3Moe_MixtralsNameOfTheCount_IsReadToo()
    {
        const string Renamed = "{\"num_experts\": null, \"num_local_experts\": 7}";

        Assert.Equal(7, Parse(Qwen3Moe, Renamed).Experts!.Count);
    }

    [Theory]
    [InlineData("{}", new int[0])]
    [InlineData("{\"sliding_window\": 4096}", new[] { 4096, 4096 })]
    public void Mixtral_Config_AlwaysScalesWeights(string fields, int[] windows)
    {
        var config = Parse(Mixtral, fields);

        Assert.Equal(new ExpertsConfig(8, 2, 176, Normalize: true), config.Experts);
        Assert.Equal(windows, config.LayerWindows);
    }

    [Theory]
    [InlineData(Mixtral, "{\"num_local_experts\": null}", "num_local_experts is missing")]
    [InlineData(Mixtral, "{\"num_local_experts\": 0}", "num_local_experts is 0")]
    [InlineData(
        Mixtral, "{\"num_local_experts\": 513}", "num_local_experts is 513, an integer from 1 to 512")]
    [InlineData(
        Mixtral,
        "{\"num_local_experts\": 512, \"num_hidden_layers\": 1024}",
        "num_local_experts is 512, with 1024 layers more than 200000 tensors")]
    [InlineData(Mixtral, "{\"num_experts_per_tok\": null}", "num_experts_per_tok is missing")]
    [InlineData(
        Mixtral, "{\"num_experts_per_tok\": 9}", "num_experts_per_tok is 9, an integer from 1 to 8")]
    [InlineData(Mixtral, "{\"model_type\": \"mistral\"}", "model_type is 'mistral'")]
    [InlineData(Qwen3Moe, "{\"num_experts\": null}", "num_local_experts is missing")]
    [InlineData(Qwen3Moe, "{\"moe_intermediate_size\": null}", "moe_intermediate_size is missing")]
    [InlineData(Qwen3Moe, "{\"norm_topk_prob\": 1}", "norm_topk_prob is 1")]
    [InlineData(
        Qwen3Moe,
        "{\"num_experts\": 64, \"num_experts_per_tok\": 33}",
        "num_experts_per_tok is 33, an integer from 1 to 32")]
    [InlineData(
        Qwen3Moe,
        "{\"decoder_sparse_step\": 2}",
        "decoder_sparse_step is 2, but a mix of dense layers and layers of experts is not supported")]
    [InlineData(Qwen3Moe, "{\"decoder_sparse_step\": 0}", "decoder_sparse_step is 0")]
    [InlineData(
        Qwen3Moe,
        "{\"mlp_only_layers\": [0]}",
        "mlp_only_layers names layers, but a mix of dense layers")]
    [InlineData(Qwen3Moe, "{\"mlp_only_layers\": [-1]}", "mlp_only_layers[0] is -1")]
    public void Parse_WrongField_IsNamed(string architecture, string fields, string message) =>
        ModelConfigTests.AssertRefused(Config(architecture, fields), message);

    [Theory]
    [InlineData(Mixtral, "block_sparse_moe.gate", "block_sparse_moe.experts.7.w2", 176)]
    [InlineData(Qwen3Moe, "mlp.gate", "mlp.experts.7.down_proj", 40)]
    public void ExpectedTensors_OfALayer_AreItsRouterAndItsExperts(
        string architecture, string router, string lastDown, int inner)
    {
        const string Layer = "model.layers.1.";
        var tensors = Architectures.ExpectedTensors(Parse(architecture, "{}"));

        var own = tensors.Where(tensor => tensor.Name.StartsWith(Layer, StringComparison.Ordinal)
            && !tensor.Name.Contains("norm", StringComparison.Ordinal)
            && !tensor.Name.Contains("self_attn", StringComparison.Ordinal)).ToArray();
        Assert.Equal(1 + (8 * 3), own.Length);
        Assert.Equal($"{Layer}{router}.weight", own[0].Name);
        Assert.Equal([8, 64], own[0].Shape);
        Assert.Equal($"{Layer}{lastDown}.weight", own[^1].Name);
        Assert.Equal([64, inner], own[^1].Shape);
        Assert.Equal([inner, 64], own[^2].Shape);
    }

    private static ModelConfig Parse(string architecture, string fields) =>
        ModelConfig.Parse(Config(architecture, fields));

    private static byte[] Config(string architecture, string fields)
    {
        var config = architecture == Mixtral
            ? new JsonObject { ["num_local_experts"] = 8, ["num_experts_per_tok"] = 2 }
            : new JsonObject
            {
                ["model_type"] = "qwen3_moe",
                ["num_experts"] = 8,
                ["num_experts_per_tok"] = 3,
                ["moe_intermediate_size"] = 40,
            };
        foreach (var (name, value) in JsonNode.Parse(fields)!.AsObject())
        {
            config[name] = value?.DeepClone();
        }

        return Samples.ConfigOf(architecture, config.ToJsonString());
    }
}
