// generation_config.json: every field is optional, and none is taken on trust.

using System.Text;

namespace NanoFlow.Models.Tests;

public sealed class GenerationDefaultsTests
{
    [Fact]
    public void Parse_AllFields_AreKept()
    {
        var defaults = Parse(
            """
            {"do_sample": true, "temperature": 0.6, "top_p": 0.9, "top_k": 50,
             "repetition_penalty": 1.1, "max_new_tokens": 128, "eos_token_id": [5, 3]}
            """);

        Assert.Equal((0.6, 0.9, 50), (defaults.Temperature, defaults.TopP, defaults.TopK));
        Assert.Equal((1.1, 128), (defaults.RepetitionPenalty, defaults.MaxNewTokens));
        Assert.False(defaults.Greedy);
        Assert.Equal([5, 3, 2], defaults.EosTokenIds);
    }

    [Fact]
    public void Parse_EmptyObject_LeavesAllOpenButEos()
    {
        var nothing = new GenerationDefaults();

        Assert.Equal(nothing, Parse("{}") with { EosTokenIds = nothing.EosTokenIds });
        Assert.Equal([2, 3], Parse("{}").EosTokenIds);
    }

    [Fact]
    public void Parse_SamplingOff_IsGreedy() => Assert.True(Parse("{\"do_sample\": false}").Greedy);

    [Fact]
    public void Parse_SingleEosToken_JoinsThoseOfTheConfig() =>
        Assert.Equal([7, 2, 3], Parse("{\"eos_token_id\": 7}").EosTokenIds);

    [Theory]
    [InlineData("-1")]
    [InlineData("0")]
    public void Parse_TopKOff_IsZero(string value) =>
        Assert.Equal(0, Parse($"{{\"top_k\": {value}}}").TopK);

    [Theory]
    [InlineData("eos_token_id", "-1", "512", "\"a\"")]
    [InlineData("temperature", "-0.1", "100.1", "\"1\"")]
    [InlineData("top_p", "-0.1", "1.1", "true")]
    [InlineData("top_k", "-2", "4194305", "1.5")]
    [InlineData("repetition_penalty", "0", "101", "[]")]
    [InlineData("max_new_tokens", "0", "16777217", "1.0")]
    [InlineData("do_sample", "0", "1", "\"false\"")]
    public void Parse_BadField_IsRefusedByName(string field, params string[] values)
    {
        foreach (var value in values)
        {
            var error = Assert.Throws<ModelFormatException>(
                () => Parse($"{{\"{field}\": {value}}}"));
            Assert.StartsWith(
                $"generation_config.json: {field} is {(value == "[]" ? "a list" : value)}",
                error.Message,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Parse_TooManyEosTokens_IsRefused()
    {
        var list = string.Join(",", Enumerable.Range(0, 65));

        Assert.Throws<ModelFormatException>(() => Parse($"{{\"eos_token_id\": [{list}]}}"));
    }

    private static GenerationDefaults Parse(string json) =>
        GenerationDefaults.Parse(Encoding.UTF8.GetBytes(json), Samples.ParsedConfig());
}
