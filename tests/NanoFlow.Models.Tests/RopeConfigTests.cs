// The three ways a config.json states rotary scaling, and contradictions among them.

using System.Text;
using System.Text.Json.Nodes;

namespace NanoFlow.Models.Tests;

public sealed class RopeConfigTests
{
    private static readonly RopeConfig Llama3 = new(500000)
    {
        Scaling = RopeScalingKind.Llama3,
        Factor = 8,
        LowFreqFactor = 1,
        HighFreqFactor = 4,
        OriginalMaxPositions = 64,
    };

    [Theory]
    [InlineData("null")]
    [InlineData("{\"rope_type\": \"default\"}")]
    [InlineData("{\"type\": \"default\"}")]
    [InlineData("{}")]
    public void Parse_NoScaling_IsPlain(string json) =>
        Assert.Equal(new RopeConfig(500000), Samples.ParsedConfig("rope_scaling", json).Rope);

    [Theory]
    [InlineData("rope_scaling", "{\"type\": \"linear\", \"factor\": 2.5}")]
    [InlineData("rope_scaling", "{\"rope_type\": \"linear\", \"factor\": 2.5}")]
    [InlineData("rope_parameters", "{\"rope_type\": \"linear\", \"factor\": 2.5}")]
    public void Parse_Linear_HasFactor(string field, string json)
    {
        var rope = Samples.ParsedConfig(field, json).Rope;

        Assert.Equal((RopeScalingKind.Linear, 2.5), (rope.Scaling, rope.Factor));
    }

    [Fact]
    public void Parse_Llama3_HasAllFactors() =>
        Assert.Equal(Llama3, ModelConfig.Parse(Samples.ScaledConfig("factor", "8.0")).Rope);

    [Theory]
    [InlineData("longrope")]
    [InlineData("su")]
    public void Parse_LongRope_HasBothListsAndTheFactorOfThePaper(string type)
    {
        var rope = ModelConfig.Parse(LongRopeConfig("type", $"\"{type}\"")).Rope;

        Assert.Equal((RopeScalingKind.Factors, 64), (rope.Scaling, rope.OriginalMaxPositions));
        Assert.Equal([1, 1, 1, 1, 1, 1, 1, 1.5], rope.Stretch!.ShortFactors);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8.25], rope.Stretch.LongFactors);
        // 256 positions from 64: sqrt(1 + log_64 4).
        Assert.Equal(Math.Sqrt(4 / 3.0), rope.Stretch.AttentionFactor, tolerance: 1e-12);
        Assert.Equal(
            (64, 64, 0), (rope.LongAfter(256), rope.LongAfter(65), rope.LongAfter(64)));
    }

    [Theory]
    [InlineData("attention_factor", "1.5", 1.5)]
    [InlineData("factor", "1", 1.0)]
    [InlineData("factor", "64", 1.4142135623730951)]
    public void Parse_LongRopeStatesAFactor_ItWins(string field, string json, double expected) =>
        Assert.Equal(
            expected,
            ModelConfig.Parse(LongRopeConfig(field, json)).Rope.Stretch!.AttentionFactor,
            tolerance: 1e-12);

    [Theory]
    [InlineData("short_factor", "null", "rope_scaling.short_factor is not a list of 8 numbers")]
    [InlineData("short_factor", "[1, 2, 3, 4]", "rope_scaling.short_factor is not a list of 8")]
    [InlineData("long_factor", "8", "rope_scaling.long_factor is not a list of 8 numbers")]
    [InlineData("long_factor", "[1, 2, 3, 0, 5, 6, 7, 8]", "rope_scaling.long_factor[3] is 0")]
    [InlineData("long_factor", "[1, 2, -3, 4, 5, 6, 7, 8]", "rope_scaling.long_factor[2] is -3")]
    [InlineData("long_factor", "[1, 2, 3, 4, 5, 6, 7, 1e999]", "long_factor[7] is 1e999, a number")]
    [InlineData("long_factor", "[1, 2, 3, 4, 5, 6, 7, \"8\"]", "long_factor[7] is \"8\"")]
    [InlineData("attention_factor", "0", "rope_scaling.attention_factor is 0, a number from 0.01")]
    [InlineData("factor", "0.5", "rope_scaling.factor is 0.5")]
    [InlineData("original_max_position_embeddings", "null", "position_embeddings is missing")]
    [InlineData("original_max_position_embeddings", "0", "position_embeddings is 0")]
    [InlineData("partial_rotary_factor", "0.75", "partial_rotary_factor is 0.75, only 1")]
    public void Parse_BadLongRope_IsRefusedByName(string field, string json, string message) =>
        ModelConfigTests.AssertRefused(LongRopeConfig(field, json), message);

    [Fact]
    public void Parse_LongRopeWithTwoOriginals_IsRefused()
    {
        var config = JsonNode.Parse(LongRopeConfig("type", "\"longrope\""))!;
        config["original_max_position_embeddings"] = 128;

        ModelConfigTests.AssertRefused(
            Encoding.UTF8.GetBytes(config.ToJsonString()),
            "rope_scaling.original_max_position_embeddings is 64, but 128 outside of it");
    }

    [Fact]
    public void Parse_LongRopeInBothForms_MayAgree()
    {
        var config = JsonNode.Parse(LongRopeConfig("type", "\"longrope\""))!;
        config["rope_parameters"] = config["rope_scaling"]!.DeepClone();

        var rope = ModelConfig.Parse(Encoding.UTF8.GetBytes(config.ToJsonString())).Rope;

        Assert.Equal(RopeScalingKind.Factors, rope.Scaling);
    }

    [Fact]
    public void Parse_RopeParametersAlone_GivesThetaAndScaling()
    {
        const string Json = "{\"rope_type\": \"default\", \"rope_theta\": 12345.0}";
        var text = Encoding.UTF8.GetString(Samples.ConfigWithout("rope_theta"));
        var config = text.Replace("{\"arch", $"{{\"rope_parameters\":{Json},\"arch");

        var rope = ModelConfig.Parse(Encoding.UTF8.GetBytes(config)).Rope;

        Assert.Equal(new RopeConfig(12345), rope);
    }

    [Theory]
    [InlineData("rope_type", "\"yarn\"", "rope_scaling.rope_type is 'yarn', supported: default")]
    [InlineData("rope_type", "3", "rope_scaling.rope_type is 3")]
    [InlineData("factor", "null", "rope_scaling.factor is missing")]
    [InlineData("factor", "0.5", "rope_scaling.factor is 0.5")]
    [InlineData("factor", "2e6", "rope_scaling.factor is ")]
    [InlineData("factor", "\"8\"", "rope_scaling.factor is \"8\"")]
    [InlineData("low_freq_factor", "null", "rope_scaling.low_freq_factor is missing")]
    [InlineData("low_freq_factor", "0", "rope_scaling.low_freq_factor is 0")]
    [InlineData("low_freq_factor", "4", "must be below high_freq_factor")]
    [InlineData("high_freq_factor", "2e6", "rope_scaling.high_freq_factor is ")]
    [InlineData("high_freq_factor", "null", "rope_scaling.high_freq_factor is missing")]
    [InlineData("original_max_position_embeddings", "0", "embeddings is 0")]
    [InlineData("original_max_position_embeddings", "16777217", "embeddings is 16777217")]
    [InlineData("original_max_position_embeddings", "64.0", "embeddings is 64.0")]
    [InlineData("partial_rotary_factor", "0.5", "rope_scaling.partial_rotary_factor is 0.5")]
    [InlineData("rope_theta", "10000", "rope_theta is stated twice")]
    public void Parse_BadScaling_IsRefusedByName(string field, string json, string message) =>
        ModelConfigTests.AssertRefused(Samples.ScaledConfig(field, json), message);

    [Fact]
    public void Parse_ScalingIsNoObject_IsRefused() =>
        ModelConfigTests.AssertRefused(
            Samples.Config("rope_scaling", "8"), "rope_scaling is 8, an object is wanted");

    [Fact]
    public void Parse_BothFormsDisagree_IsRefused()
    {
        var text = Encoding.UTF8.GetString(Samples.ScaledConfig("factor", "8"));
        const string Plain = "{\"rope_parameters\":{\"rope_type\":\"default\"},";
        var both = text.Replace("{\"arch", Plain + "\"arch");

        ModelConfigTests.AssertRefused(
            Encoding.UTF8.GetBytes(both), "rope_parameters and rope_scaling");
    }

    // Heads of 16, stretched from 64 positions to 256; one field of the scaling replaced.
    private static byte[] LongRopeConfig(string field, string json)
    {
        const string Scaling =
            """
            {"type": "longrope", "original_max_position_embeddings": 64,
             "short_factor": [1, 1, 1, 1, 1, 1, 1, 1.5], "long_factor": [1, 2, 3, 4, 5, 6, 7, 8.25]}
            """;
        var scaling = JsonNode.Parse(Scaling)!;
        scaling[field] = JsonNode.Parse(json);
        return Samples.Config("rope_scaling", scaling.ToJsonString());
    }
}
