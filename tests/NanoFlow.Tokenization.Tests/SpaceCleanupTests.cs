// The clean-up of spaces in decoded text (clean_up_tokenization_spaces), on a stream and whole:
// both must be what the row of replacements makes of the text when it is complete.

using System.Text;
using System.Text.Json.Nodes;

namespace NanoFlow.Tokenization.Tests;

public sealed class SpaceCleanupTests
{
    private static readonly TokenizerConfig Cleaning =
        TokenizerConfig.Parse(Encoding.UTF8.GetBytes("""{"clean_up_tokenization_spaces":true}"""));

    [Theory]
    [InlineData("do n't , no . \u2581", "don't, no. \u2581")]
    [InlineData("a ' b", "a'b")]
    [InlineData("a  ' m", "a'm")]
    [InlineData("it 's , we 've , they 're ", "it's, we've, they're ")]
    [InlineData("a '", "a '")]
    [InlineData("  .", " .")]
    public void Decode_CleaningTokenizer_TakesSpacesBack(string text, string expected)
    {
        var tokenizer = Characters(Cleaning);
        Assert.Equal(expected, tokenizer.Decode(tokenizer.Encode(text)));
    }

    [Fact]
    public void Decode_NoCleaningAsked_KeepsSpaces()
    {
        var tokenizer = Characters(new TokenizerConfig());
        Assert.Equal("a , b", tokenizer.Decode(tokenizer.Encode("a , b")));
    }

    // BPE keeps the spaces of the text; to take some back would corrupt it.
    [Fact]
    public void Decode_BytePairs_IsNeverCleaned()
    {
        var tokenizer = SmallTokenizers.Parse(SmallTokenizers.ByteLevel([]), Cleaning);
        Assert.Equal("a , b", tokenizer.Decode(tokenizer.Encode("a , b")));
    }

    [Fact]
    public void Append_RandomText_StreamsWhatReplacingTheWholeGives()
    {
        var tokenizer = Characters(Cleaning);
        var detokenizer = new IncrementalDetokenizer(tokenizer, skipSpecialTokens: true);
        var random = new Random(12);
        for (var i = 0; i < 50_000; i++)
        {
            var text = new string(
                random.GetItems<char>("   ''.,?!nt'msver\u2581", random.Next(16)));
            detokenizer.Reset();
            var streamed = new StringBuilder();
            foreach (var id in tokenizer.Encode(text))
            {
                detokenizer.Append(id);
                streamed.Append(Encoding.UTF8.GetString(detokenizer.Text));
                detokenizer.Discard(detokenizer.Text.Length);
            }
            detokenizer.Flush();
            streamed.Append(Encoding.UTF8.GetString(detokenizer.Text));
            Assert.Equal(Replaced(text), streamed.ToString());
        }
    }

    private static string Replaced(string text) =>
        text.Replace(" .", ".", StringComparison.Ordinal)
            .Replace(" ?", "?", StringComparison.Ordinal)
            .Replace(" !", "!", StringComparison.Ordinal)
            .Replace(" ,", ",", StringComparison.Ordinal)
            .Replace(" ' ", "'", StringComparison.Ordinal)
            .Replace(" n't", "n't", StringComparison.Ordinal)
            .Replace(" 'm", "'m", StringComparison.Ordinal)
            .Replace(" 's", "'s", StringComparison.Ordinal)
            .Replace(" 've", "'ve", StringComparison.Ordinal)
            .Replace(" 're", "'re", StringComparison.Ordinal);

    // A unigram model of single characters whose decoder adds nothing.
    private static Tokenizer Characters(TokenizerConfig config)
    {
        var vocabulary = new JsonArray();
        foreach (var c in " '.,?!abdehimnorstvwy\u2581")
        {
            vocabulary.Add(new JsonArray(JsonValue.Create(c.ToString()), JsonValue.Create(-1.0)));
        }
        return SmallTokenizers.Parse(
            new JsonObject
            {
                ["decoder"] = new JsonObject { ["type"] = "Fuse" },
                ["model"] = new JsonObject { ["type"] = "Unigram", ["vocab"] = vocabulary },
            },
            config);
    }
}
