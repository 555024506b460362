// What Gemma 2, Mistral, Phi-3, Qwen2 and Qwen3 add to Llama's configuration: windows, biases,
// norms of heads, caps and scales.

using System.Text.Json.Nodes;

namespace NanoFlow.Models.Tests;

public sealed class RelativesConfigTests
{
    private const string Gemma2 = "Gemma2ForCausalLM";
    private const string Gemma2Fields =
        """
        "hidden_act": "gelu_pytorch_tanh", "query_pre_attn_scalar": 64
        """;
    private const string Mistral = "MistralForCausalLM";
    private const string Phi3 = "Phi3ForCausalLM";
    private const string Qwen2 = "Qwen2ForCausalLM";
    private const string Qwen3 = "Qwen3ForCausalLM";

    [Theory]
    [InlineData("{\"sliding_window\": 48}", new[] { 48, 48 })]
    [InlineData("{\"sliding_window\": null}", new int[0])]
    [InlineData("{}", new[] { 4096, 4096 })]
    public void Mistral_SlidingWindow_HoldsForAllLayers(string fields, int[] windows) =>
        Assert.Equal(windows, Parse(Mistral, fields).LayerWindows);

    [Theory]
    [InlineData("{\"sliding_window\": 48}", new[] { 48, 48 })]
    [InlineData("{\"sliding_window\": null}", new int[0])]
    [InlineData("{}", new int[0])]
    public void Phi3_SlidingWindow_HoldsForAllLayers(string fields, int[] windows) =>
        Assert.Equal(windows, Parse(Phi3, fields).LayerWindows);

    [Theory]
    [InlineData("false", 1, new int[0])]
    [InlineData("true", 0, new[] { 32, 32 })]
    [InlineData("true", 1, new[] { 0, 32 })]
    [InlineData("true", 2, new int[0])]
    [InlineData("true", 28, new int[0])]
    public void Qwen_WindowFromALayerOn_HoldsForThoseLayers(string used, int first, int[] windows)
    {
        var fields = $$"""
            {"use_sliding_window": {{used}}, "sliding_window": 32, "max_window_layers": {{first}}}
            """;

        Assert.Equal(windows, Parse(Qwen2, fields).LayerWindows);
        Assert.Equal(windows, Parse(Qwen3, fields).LayerWindows);
    }

    [Fact]
    public void Qwen_LayerTypes_WinOverTheIndex()
    {
        const string Fields =
            """
            {"use_sliding_window": true, "sliding_window": 32, "max_window_layers": 28,
             "layer_types": ["sliding_attention", "full_attention"]}
            """;

        Assert.Equal([32, 0], Parse(Qwen2, Fields).LayerWindows);
    }

    [Theory]
    [InlineData("\"sliding_window\": 48", new[] { 48, 0 })]
    [InlineData("\"sliding_window\": null", new int[0])]
    [InlineData("\"attention_bias\": false", new[] { 4096, 0 })]
    [InlineData(
        "\"sliding_window\": 9, \"layer_types\": [\"full_attention\", \"sliding_attention\"]",
        new[] { 0, 9 })]
    public void Gemma2_SlidingWindow_HoldsForEveryOtherLayer(string field, int[] windows) =>
        Assert.Equal(windows, ParseGemma2(field).LayerWindows);

    [Fact]
    public void Gemma2_WithoutItsFields_HasTheDefaultsOfTransformers()
    {
        var config = ParseGemma2("\"tie_word_embeddings\": null");

        Assert.Equal((50.0, 30.0), (config.AttentionSoftcap, config.LogitSoftcap));
        Assert.Equal((0.125, 8.0), (config.QueryScale, config.EmbeddingScale));
        Assert.True(config.TiedEmbeddings);
    }

    [Fact]
    public void Gemma2_SoftcapsOfNull_AreNone()
    {
        var config = ParseGemma2(
            "\"attn_logit_softcapping\": null, \"final_logit_softcapping\": null");

        Assert.Equal((0.0, 0.0), (config.AttentionSoftcap, config.LogitSoftcap));
    }

    [Theory]
    [InlineData("\"attn_logit_softcapping\": 0", "attn_logit_softcapping is 0, a number from 0.1")]
    [InlineData("\"final_logit_softcapping\": 1e5", "final_logit_softcapping is 1e5")]
    [InlineData("\"query_pre_attn_scalar\": null", "query_pre_attn_scalar is missing")]
    [InlineData("\"query_pre_attn_scalar\": 0.5", "query_pre_attn_scalar is 0.5, a number from 1")]
    [InlineData("\"hidden_act\": \"silu\"", "hidden_act is 'silu', supported: gelu_pytorch_tanh")]
    [InlineData("\"hidden_activation\": \"gelu\"", "hidden_activation is 'gelu'")]
    [InlineData("\"use_bidirectional_attention\": true", "use_bidirectional_attention is true")]
    [InlineData("\"head_dim\": null", "head_dim is missing")]
    [InlineData("\"num_key_value_heads\": null", "num_key_value_heads is missing")]
    [InlineData(
        "\"sliding_window\": null, \"layer_types\": [\"sliding_attention\", \"full_attention\"]",
        "layer_types[0] is sliding_attention, but sliding_window is null")]
    public void Gemma2_WrongField_IsNamed(string field, string message) =>
        ModelConfigTests.AssertRefused(
            Samples.ConfigOf(Gemma2, MergeGemma2(field)), message);

    [Fact]
    public void ExpectedTensors_Gemma2_HaveFourNormsALayer()
    {
        var names = Architectures.ExpectedTensors(ParseGemma2("\"bos_token_id\": 2"))
            .Select(tensor => tensor.Name)
            .Where(name => name.Contains("layers.1") && name.Contains("norm"));

        Assert.Equal(
            [
                "model.layers.1.input_layernorm.weight",
                "model.layers.1.post_attention_layernorm.weight",
                "model.layers.1.pre_feedforward_layernorm.weight",
                "model.layers.1.post_feedforward_layernorm.weight",
            ],
            names);
    }

    [Theory]
    [InlineData(Mistral, "{\"sliding_window\": 0}", "sliding_window is 0, an integer from 1")]
    [InlineData(Mistral, "{\"sliding_window\": 16777217}", "sliding_window is 16777217")]
    [InlineData(Mistral, "{\"sliding_window\": \"48\"}", "sliding_window is \"48\"")]
    [InlineData(Mistral, "{\"num_key_value_heads\": null}", "num_key_value_heads is missing")]
    [InlineData(Mistral, "{\"model_type\": \"llama\"}", "model_type is 'llama'")]
    [InlineData(Phi3, "{\"sliding_window\": 0}", "sliding_window is 0, an integer from 1")]
    [InlineData(Phi3, "{\"partial_rotary_factor\": 0.75}", "partial_rotary_factor is 0.75, only 1")]
    [InlineData(Qwen2, "{\"num_key_value_heads\": null}", "num_key_value_heads is missing")]
    [InlineData(Qwen2, "{\"use_sliding_window\": 1}", "use_sliding_window is 1")]
    [InlineData(Qwen2, "{\"use_sliding_window\": true}", "sliding_window is missing")]
    [InlineData(
        Qwen2,
        "{\"use_sliding_window\": true, \"sliding_window\": 32}",
        "max_window_layers is missing, an integer from 0 to 1024")]
    [InlineData(
        Qwen2,
        "{\"use_sliding_window\": true, \"sliding_window\": 32, \"max_window_layers\": -1}",
        "max_window_layers is -1")]
    [InlineData(Qwen3, "{\"head_dim\": null}", "head_dim is missing")]
    [InlineData(Qwen3, "{\"attention_bias\": 0}", "attention_bias is 0")]
    [InlineData(
        Qwen3, "{\"layer_types\": [\"full_attention\"]}", "layer_types has 1 items")]
    [InlineData(
        Qwen3,
        "{\"layer_types\": [\"full_attention\", \"sliding_attention\"]}",
        "layer_types[1] is sliding_attention, but use_sliding_window is not true")]
    [InlineData(
        Qwen3,
        "{\"layer_types\": [\"linear_attention\", \"full_attention\"]}",
        "layer_types[0] is 'linear_attention', supported: full_attention, sliding_attention")]
    public void Parse_WrongField_IsNamed(string architecture, string fields, string message) =>
        ModelConfigTests.AssertRefused(Samples.ConfigOf(architecture, fields), message);

    [Theory]
    [InlineData(Mistral, "{}", "")]
    [InlineData(Phi3, "{}", "qkv_proj.weight")]
    [InlineData(Qwen2, "{}", "q_proj.bias k_proj.bias v_proj.bias")]
    [InlineData(Qwen3, "{}", "q_norm.weight k_norm.weight")]
    [InlineData(
        Qwen3,
        "{\"attention_bias\": true}",
        "q_norm.weight k_norm.weight q_proj.bias k_proj.bias v_proj.bias o_proj.bias")]
    public void ExpectedTensors_ComparedWithLlama_HaveTheFamilysOwn(
        string architecture, string fields, string added)
    {
        const string Attention = "model.layers.1.self_attn.";
        var llama = Architectures.ExpectedTensors(Samples.ParsedConfig()).Select(t => t.Name);

        var tensors = Architectures.ExpectedTensors(Parse(architecture, fields));

        var own = tensors.Select(tensor => tensor.Name).Except(llama)
            .Where(name => name.StartsWith(Attention, StringComparison.Ordinal))
            .Select(name => name[Attention.Length..]);
        Assert.Equal(added, string.Join(' ', own));
    }

    [Fact]
    public void ExpectedTensors_HeadNorms_AreOneHeadWide() =>
        Assert.All(
            Architectures.ExpectedTensors(Parse(Qwen3, "{}")).Where(
                tensor => tensor.Name.EndsWith("_norm.weight", StringComparison.Ordinal)
                    && tensor.Name.Contains("self_attn", StringComparison.Ordinal)),
            tensor => Assert.Equal([16], tensor.Shape));

    private static ModelConfig ParseGemma2(string field) => Parse(Gemma2, MergeGemma2(field));

    // The later of two equal names wins.
    private static string MergeGemma2(string fields)
    {
        var own = JsonNode.Parse($"{{{Gemma2Fields}}}")!.AsObject();
        foreach (var (name, value) in JsonNode.Parse($"{{{fields}}}")!.AsObject())
        {
            own[name] = value?.DeepClone();
        }

        return own.ToJsonString();
    }

    private static ModelConfig Parse(string architecture, string fields) =>
        ModelConfig.Parse(Samples.ConfigOf(architecture, fields));
}
