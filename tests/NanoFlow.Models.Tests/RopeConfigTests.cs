// The three ways a config.json states rotary scaling, and contradictions among them.

using System.Text;

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
}
