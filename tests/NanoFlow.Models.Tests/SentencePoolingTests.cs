using System.Text;
using NanoFlow.Models;

namespace NanoFlow.Models.Tests;

public class SentencePoolingTests
{
    [Theory]
    [InlineData("pooling_mode_cls_token", PoolingMode.First)]
    [InlineData("pooling_mode_mean_tokens", PoolingMode.Mean)]
    [InlineData("pooling_mode_lasttoken", PoolingMode.Last)]
    public void Parse_OneMode_IsThat(string field, PoolingMode expected)
    {
        var json = $$"""
            {"word_embedding_dimension": 64, "pooling_mode_max_tokens": false, "{{field}}": true}
            """;

        Assert.Equal(expected, SentencePooling.Parse("config.json", Bytes(json)));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"pooling_mode_max_tokens": true}""")]
    [InlineData("""{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}""")]
    public void Parse_NoModeThatIsKnown_NamesThem(string json)
    {
        var e = Assert.Throws<ModelFormatException>(
            () => SentencePooling.Parse("config.json", Bytes(json)));

        Assert.Contains("pooling_mode_lasttoken", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PoolingFolder_PublishedModules_IsFound()
    {
        const string Modules = """
            [{"idx": 0, "name": "0", "path": "",
              "type": "sentence_transformers.models.Transformer"},
             {"idx": 1, "name": "1", "path": "1_Pooling",
              "type": "sentence_transformers.models.Pooling"},
             {"idx": 2, "name": "2", "path": "2_Normalize",
              "type": "sentence_transformers.models.Normalize"}]
            """;

        Assert.Equal("1_Pooling", SentencePooling.PoolingFolder(Bytes(Modules)));
        Assert.Null(SentencePooling.PoolingFolder(Bytes("[]")));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("[{}]")]
    [InlineData("[{\"type\": null, \"path\": \"x\"}]")]
    [InlineData("[{\"type\": \"x.Pooling\"}]")]
    [InlineData("[{\"type\": \"x.Pooling\", \"path\": \"../x\"}]")]
    [InlineData("[{\"type\": \"x.Pooling\", \"path\": \"\"}]")]
    [InlineData("[")]
    public void PoolingFolder_BrokenModules_AreRefused(string json) =>
        Assert.Throws<ModelFormatException>(() => SentencePooling.PoolingFolder(Bytes(json)));

    private static byte[] Bytes(string json) => Encoding.UTF8.GetBytes(json);
}
