// config.json, field by field: what is accepted, and that each refusal names its field.

using System.Text;

namespace NanoFlow.Models.Tests;

public sealed class ModelConfigTests
{
    [Fact]
    public void Parse_ValidConfig_HasEveryFact()
    {
        var config = Samples.ParsedConfig();

        Assert.Equal("LlamaForCausalLM", config.Architecture);
        Assert.Equal((64, 176, 2), (config.HiddenSize, config.IntermediateSize, config.LayerCount));
        Assert.Equal((4, 2, 16), (config.HeadCount, config.KvHeadCount, config.HeadDim));
        Assert.Equal((512, 256), (config.VocabSize, config.MaxPositions));
        Assert.Equal(1e-5, config.RmsNormEps);
        Assert.Equal(new RopeConfig(500000), config.Rope);
        Assert.False(config.TiedEmbeddings || config.AttentionBias || config.MlpBias);
        Assert.Equal(1, config.BosTokenId);
        Assert.Equal([2, 3], config.EosTokenIds);
    }

    [Theory]
    [InlineData("hidden_size", 1, 65536)]
    [InlineData("intermediate_size", 1, 262144)]
    [InlineData("num_hidden_layers", 1, 1024)]
    [InlineData("num_attention_heads", 1, 1024)]
    [InlineData("num_key_value_heads", 1, 1024)]
    [InlineData("head_dim", 2, 256)]
    [InlineData("vocab_size", 1, 4194304)]
    [InlineData("max_position_embeddings", 1, 16777216)]
    [InlineData("bos_token_id", 0, 511)]
    [InlineData("eos_token_id", 0, 511)]
    public void Parse_IntegerField_RefusesWrongTypesAndRange(string field, int min, int max)
    {
        var range = $"an integer from {min} to {max} is wanted";
        string[] wrong =
            [$"{min - 1}", $"{max + 1}", "\"4\"", "4.0", "4.5", "true", "{}", "1e2", "99999999999"];
        foreach (var json in wrong)
        {
            AssertRefused(Samples.Config(field, json), $"config.json: {field} is ", range);
        }
    }

    [Theory]
    [InlineData("rms_norm_eps", "1e-13", "0.2")]
    [InlineData("rope_theta", "0.5", "2e9")]
    public void Parse_RealField_RefusesWrongTypesAndRange(string field, string low, string high)
    {
        foreach (var json in new[] { low, high, "-1", "1e999", "\"1\"", "true", "[]" })
        {
            AssertRefused(Samples.Config(field, json), $": {field} is ", "a number from");
        }
    }

    [Theory]
    [InlineData("tie_word_embeddings")]
    [InlineData("attention_bias")]
    [InlineData("mlp_bias")]
    public void Parse_BooleanField_RefusesOtherTypes(string field)
    {
        foreach (var json in new[] { "0", "\"true\"", "[]" })
        {
            AssertRefused(Samples.Config(field, json), field, "true or false is wanted");
        }
    }

    [Theory]
    [InlineData("hidden_size")]
    [InlineData("intermediate_size")]
    [InlineData("num_hidden_layers")]
    [InlineData("num_attention_heads")]
    [InlineData("vocab_size")]
    [InlineData("max_position_embeddings")]
    [InlineData("rms_norm_eps")]
    [InlineData("architectures")]
    public void Parse_RequiredField_RefusesAbsenceAndNull(string field)
    {
        AssertRefused(Samples.ConfigWithout(field), $"{field} is missing");
        AssertRefused(Samples.Config(field, "null"), $"{field} is missing");
    }

    [Fact]
    public void Parse_OptionalFieldsAbsent_TakeTheArchitecturesDefaults()
    {
        var noKvHeads = ModelConfig.Parse(Samples.ConfigWithout("num_key_value_heads"));
        var noTheta = ModelConfig.Parse(Samples.ConfigWithout("rope_theta"));
        var noTokens = ModelConfig.Parse(Samples.ConfigWithout("eos_token_id"));

        Assert.Equal(4, noKvHeads.KvHeadCount);
        Assert.Equal(10000, noTheta.Rope.Theta);
        Assert.Empty(noTokens.EosTokenIds);
    }

    [Theory]
    [InlineData("num_key_value_heads", "3", "not a divisor of num_attention_heads 4")]
    [InlineData("hidden_size", "66", "not a multiple of num_attention_heads 4")]
    [InlineData("hidden_size", "60", "head_dim is 15, an even number")]
    [InlineData("hidden_size", "2048", "head_dim is 512, an even number")]
    [InlineData("head_dim", "15", "head_dim is 15, an even number")]
    [InlineData("hidden_act", "\"gelu\"", "hidden_act is 'gelu', supported: silu")]
    [InlineData("hidden_act", "7", "hidden_act is 7, a string is wanted")]
    [InlineData("model_type", "\"mistral\"", "model_type is 'mistral', supported: llama")]
    [InlineData("torch_dtype", "\"int8\"", "torch_dtype is 'int8'")]
    [InlineData("dtype", "\"float8\"", "dtype is 'float8'")]
    [InlineData("quantization_config", "{}", "quantization_config.quant_method is missing")]
    [InlineData("eos_token_id", "[2, 512]", "eos_token_id[1] is 512")]
    [InlineData("eos_token_id", "[2, \"3\"]", "eos_token_id[1] is \"3\"")]
    public void Parse_WrongField_IsRefusedByName(string field, string json, string message) =>
        AssertRefused(Samples.Config(field, json), message);

    [Theory]
    [InlineData("intermediate_size", "262144")]
    [InlineData("num_hidden_layers", "1024")]
    [InlineData("head_dim", "256")]
    [InlineData("vocab_size", "4194304")]
    [InlineData("max_position_embeddings", "16777216")]
    [InlineData("hidden_size", "1024")]
    [InlineData("rms_norm_eps", "0.1")]
    [InlineData("rope_theta", "1000000000")]
    [InlineData("eos_token_id", "511")]
    public void Parse_LargestAllowedValue_IsAccepted(string field, string json) =>
        Assert.True(ModelSize.Parameters(Samples.ParsedConfig(field, json)) > 0);

    [Fact]
    public void Parse_ExplicitHeadDim_NeedNotDivideHiddenSize() =>
        Assert.Equal(32, Samples.ParsedConfig("head_dim", "32").HeadDim);

    [Theory]
    [InlineData("torch_dtype", "\"float32\"", TensorDType.F32)]
    [InlineData("torch_dtype", "\"float16\"", TensorDType.F16)]
    [InlineData("dtype", "\"bfloat16\"", TensorDType.BF16)]
    public void Parse_DType_IsReadFromBothNames(string field, string json, TensorDType dtype) =>
        Assert.Equal(dtype, Samples.ParsedConfig(field, json).StoredDType);

    [Theory]
    [InlineData(
        "[\"FancyForCausalLM\"]",
        "'FancyForCausalLM', supported: LlamaForCausalLM, ")]
    [InlineData("[]", "supported: LlamaForCausalLM")]
    [InlineData("[\"A\", \"B\"]", "has 2 items")]
    [InlineData("\"LlamaForCausalLM\"", "a list of strings is wanted")]
    [InlineData("[7]", "architectures[0] is 7")]
    public void Parse_UnsupportedArchitecture_ListsTheSupported(string json, string message) =>
        AssertRefused(Samples.Config("architectures", json), message);

    [Theory]
    [InlineData("{\"a\": 1, \"a\": 2}", "uplicate")]
    [InlineData("{\"x\": {\"a\": 1, \"\\u0061\": 2}}", "uplicate")]
    [InlineData("{\"a\": NaN}", "not valid JSON")]
    [InlineData("{\"a\": Infinity}", "not valid JSON")]
    [InlineData("{\"a\": 1,}", "not valid JSON")]
    [InlineData("{} {}", "not valid JSON")]
    [InlineData("", "not valid JSON")]
    [InlineData("[]", "a JSON object is wanted")]
    [InlineData("{\"\\ud800\": 1}", "not valid Unicode")]
    [InlineData("{\"hidden_\\ud800size\": 1}", "not valid Unicode")]
    [InlineData("{\"x\": [\"\\udc00\"]}", "not valid Unicode")]
    public void Parse_MalformedJson_IsRefused(string text, string message) =>
        AssertRefused(Encoding.UTF8.GetBytes(text), message);

    [Fact]
    public void Parse_NestedTooDeep_IsRefused()
    {
        var deep = string.Concat(Enumerable.Repeat("[", 100)) + new string(']', 100);

        AssertRefused(Encoding.UTF8.GetBytes($"{{\"a\": {deep}}}"), "depth");
    }

    [Fact]
    public void Parse_HostileText_YieldsOneBoundedLine()
    {
        var name = new string('x', 5000) + "\\nforged line";

        var error = Assert.Throws<ModelFormatException>(
            () => ModelConfig.Parse(Samples.Config("architectures", $"[\"a\\nb{name}\"]")));

        Assert.DoesNotContain('\n', error.Message);
        Assert.InRange(error.Message.Length, 1, 1100);
    }

    internal static void AssertRefused(byte[] config, params string[] parts)
    {
        var error = Assert.Throws<ModelFormatException>(() => ModelConfig.Parse(config));
        Assert.All(parts, part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
        Assert.Equal("config.json", error.File);
    }
}
