// The section of config.json about quantized weights: the form that is read, and the name of the
// field for every other.

namespace NanoFlow.Models.Tests;

public sealed class CompressedTensorsConfigTests
{
    [Theory]
    [InlineData("", null)]
    [InlineData("ignore", "[\"re:.*lm_head\"]")]
    [InlineData("kv_cache_scheme", null)]
    [InlineData("sparsity_config", null)]
    [InlineData("sparsity_config", "{\"format\":\"dense\",\"global_sparsity\":0.1}")]
    [InlineData("transform_config", null)]
    [InlineData("config_groups.group_0.format", "\"int-quantized\"")]
    [InlineData("config_groups.group_0.output_activations", null)]
    [InlineData("config_groups.group_0.weights.group_size", "-1")]
    [InlineData("config_groups.group_0.weights.actorder", null)]
    public void Parse_Int8ByChannelAndToken_IsRead(string field, string? json)
    {
        var config = Parse(Samples.Int8Section(field, json));

        Assert.Equal(Int8Parts.Layers, config.StoredInt8);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData(null)]
    public void Parse_NothingIgnored_HeadIsInt8(string? ignored) => Assert.Equal(
        Int8Parts.Layers | Int8Parts.Head,
        Parse(Samples.Int8Section("ignore", ignored)).StoredInt8);

    [Fact]
    public void Parse_NoSection_NothingIsInt8() =>
        Assert.Equal(Int8Parts.None, Samples.ParsedConfig().StoredInt8);

    [Fact]
    public void Parse_TiedHeadNotIgnored_IsRefused()
    {
        var tied = Samples.ConfigOf(
            "LlamaForCausalLM",
            $"{{\"tie_word_embeddings\":true,\"quantization_config\":"
            + Samples.Int8Section("ignore", "[]") + "}");

        AssertRefused(tied, "quantization_config.ignore does not name lm_head");
    }

    [Theory]
    [InlineData("MistralForCausalLM", "{}")]
    [InlineData("Qwen2ForCausalLM", "{}")]
    [InlineData("Qwen3ForCausalLM", "{}")]
    [InlineData("Phi3ForCausalLM", "{}")]
    public void Parse_Relative_IsRead(string architecture, string fields)
    {
        var config = ModelConfig.Parse(Samples.ConfigOf(architecture, With(fields)));

        Assert.Equal(Int8Parts.Layers, config.StoredInt8);
    }

    [Theory]
    [InlineData(
        "MixtralForCausalLM", "{\"num_local_experts\":8,\"num_experts_per_tok\":2}")]
    [InlineData(
        "Qwen3MoeForCausalLM",
        "{\"model_type\":\"qwen3_moe\",\"num_experts\":8,\"num_experts_per_tok\":2,"
        + "\"moe_intermediate_size\":32}")]
    public void Parse_Experts_AreRefused(string architecture, string fields) => AssertRefused(
        Samples.ConfigOf(architecture, With(fields)),
        "quantization_config is present, supported for models with experts: F32, F16, BF16");

    [Theory]
    [InlineData("quant_method", "\"gptq\"",
        "quant_method is 'gptq', supported: compressed-tensors")]
    [InlineData("quant_method", "\"awq\"", "quant_method is 'awq'")]
    [InlineData("quant_method", "\"fp8\"", "quant_method is 'fp8'")]
    [InlineData("quant_method", null, "quant_method is missing, supported: compressed-tensors")]
    [InlineData("quant_method", "1", "quant_method is 1, a string is wanted")]
    [InlineData("format", "\"pack-quantized\"", "format is 'pack-quantized', supported: int-")]
    [InlineData("format", null, "format is missing")]
    [InlineData("kv_cache_scheme", "{\"num_bits\":8}", "kv_cache_scheme is present")]
    [InlineData("sparsity_config", "{\"format\":\"sparse-bitmask\"}",
        "sparsity_config.format is 'sparse-bitmask', supported: dense")]
    [InlineData("sparsity_config", "{\"sparsity_structure\":\"2:4\"}",
        "sparsity_config.format is missing")]
    [InlineData("transform_config", "{\"u\":{}}", "transform_config is not empty")]
    [InlineData("ignore", "[\"lm_head\",\"model.layers.0.mlp.down_proj\"]",
        "ignore names 'model.layers.0.mlp.down_proj', supported: lm_head")]
    [InlineData("ignore", "\"lm_head\"", "ignore is \"lm_head\", a list of strings is wanted")]
    [InlineData("ignore", "[1]", "ignore[0] is 1, a string is wanted")]
    [InlineData("config_groups", null, "config_groups is missing, an object is wanted")]
    [InlineData("config_groups", "{}", "config_groups does not have one group")]
    [InlineData("config_groups", "{\"a\":{},\"b\":{}}", "config_groups does not have one group")]
    [InlineData("config_groups", "{\"a\":1}", "config_groups.a is 1, an object is wanted")]
    public void Parse_OtherSection_IsRefusedByName(string field, string? json, string message) =>
        AssertRefused(field, json, $"quantization_config.{message}");

    [Theory]
    [InlineData("format", "\"pack-quantized\"", "format is 'pack-quantized'")]
    [InlineData("targets", "[\"Linear\",\"Embedding\"]", "targets is another list")]
    [InlineData("targets", "[\"re:.*mlp.*\"]", "targets is another list than [\"Linear\"]")]
    [InlineData("targets", "[]", "targets is another list")]
    [InlineData("targets", null, "targets is missing")]
    [InlineData("output_activations", "{\"num_bits\":8}", "output_activations is present")]
    [InlineData("input_activations", null, "input_activations is missing")]
    [InlineData("input_activations.dynamic", "false",
        "input_activations.dynamic is false, supported: true")]
    [InlineData("input_activations.dynamic", "\"local\"", "input_activations.dynamic is \"local\"")]
    [InlineData("input_activations.strategy", "\"tensor\"",
        "input_activations.strategy is 'tensor', supported: token")]
    [InlineData("input_activations.symmetric", "false",
        "input_activations.symmetric is false, supported: true")]
    [InlineData("input_activations.num_bits", "4", "input_activations.num_bits is 4")]
    [InlineData("input_activations.type", "\"float\"", "input_activations.type is 'float'")]
    [InlineData("weights", "null", "weights is missing")]
    [InlineData("weights.num_bits", "4", "weights.num_bits is 4, an integer from 8 to 8")]
    [InlineData("weights.num_bits", "{\"mlp\":8}", "weights.num_bits is an object")]
    [InlineData("weights.type", "\"float\"", "weights.type is 'float', supported: int")]
    [InlineData("weights.symmetric", "false", "weights.symmetric is false, supported: true")]
    [InlineData("weights.symmetric", null, "weights.symmetric is missing, supported: true")]
    [InlineData("weights.strategy", "\"tensor\"", "weights.strategy is 'tensor'")]
    [InlineData("weights.strategy", "\"group\"", "weights.strategy is 'group', supported: channel")]
    [InlineData("weights.dynamic", "true", "weights.dynamic is true, supported: false")]
    public void Parse_OtherGroup_IsRefusedByName(string field, string? json, string message) =>
        AssertRefused(
            $"config_groups.group_0.{field}",
            json,
            $"quantization_config.config_groups.group_0.{message}");

    private static string With(string fields) =>
        fields[..^1] + (fields.Length > 2 ? "," : "")
        + $"\"quantization_config\":{Samples.Int8Section()}}}";

    private static ModelConfig Parse(string section) =>
        ModelConfig.Parse(Samples.Config("quantization_config", section));

    private static void AssertRefused(string field, string? json, string message) => AssertRefused(
        Samples.Config("quantization_config", Samples.Int8Section(field, json)), message);

    private static void AssertRefused(byte[] config, string message)
    {
        var error = Assert.Throws<ModelFormatException>(() => ModelConfig.Parse(config));
        Assert.StartsWith($"config.json: {message}", error.Message);
    }
}
