// Pre-tokenizers, seen through a tokenizer whose merges never cross the pieces: all pairs of "a" to
// "c", "-" and "1" merge, so the tokens of an encoded text are its pieces.

using System.Text.Json.Nodes;

namespace NanoFlow.Tokenization.Tests;

public sealed class SplitTests
{
    private const string Text = "a--b-c";

    [Theory]
    [InlineData("Isolated", false, Text, "a|-|-|b|-|c")]
    [InlineData("Removed", false, Text, "a|b|c")]
    [InlineData("MergedWithPrevious", false, Text, "a-|-|b-|c")]
    [InlineData("MergedWithNext", false, Text, "a|-|-b|-c")]
    [InlineData("Contiguous", false, Text, "a|--|b|-|c")]
    [InlineData("Isolated", true, Text, "a|-|-|b|-|c")]
    [InlineData("Removed", true, Text, "-|-|-")]
    [InlineData("MergedWithPrevious", true, "a--b", "a|-|-b")]
    [InlineData("MergedWithNext", true, "a--b", "a-|-|b")]
    [InlineData("MergedWithPrevious", false, "--a", "-|-|a")]
    [InlineData("MergedWithNext", false, "a--", "a|-|-")]
    public void Split_Behavior_JoinsNeighbours(
        string behavior, bool invert, string text, string pieces)
    {
        foreach (var kind in new[] { "Regex", "String" })
        {
            var split = new JsonObject
            {
                ["type"] = "Split",
                ["pattern"] = new JsonObject { [kind] = "-" },
                ["behavior"] = behavior,
                ["invert"] = invert,
            };
            Assert.Equal(pieces, Pieces(split, text));
        }
    }

    [Theory]
    [InlineData("""{"type":"Digits","individual_digits":true}""", "a11b", "a|1|1|b")]
    [InlineData("""{"type":"Digits","individual_digits":false}""", "a11b", "a|11|b")]
    [InlineData("""{"type":"Punctuation"}""", "a--b", "a|-|-|b")]
    [InlineData("""{"type":"Punctuation","behavior":"Contiguous"}""", "a--b", "a|--|b")]
    [InlineData("""{"type":"Whitespace"}""", " a1 --b ", "a1|--|b")]
    [InlineData("""{"type":"WhitespaceSplit"}""", " a1 -b ", "a1|-b")]
    [InlineData("""{"type":"BertPreTokenizer"}""", " a1 --b ", "a1|-|-|b")]
    [InlineData("""{"type":"CharDelimiterSplit","delimiter":"-"}""", "a--b", "a|b")]
    public void PreTokenizer_Kind_CutsItsWay(string kind, string text, string pieces)
    {
        Assert.Equal(pieces, Pieces(JsonNode.Parse(kind)!.AsObject(), text));
    }

    [Theory]
    [InlineData("ab", "Ġab")]
    [InlineData(" ab", "Ġab")]
    [InlineData("a<s>b", "Ġa|<s>|Ġb")]
    public void ByteLevel_AddPrefixSpace_PutsOneBeforeEachSegment(string text, string tokens)
    {
        var json = SmallTokenizers.ByteLevel(["Ġ a", "Ġa b", "Ġ b"], "<s>");
        json["pre_tokenizer"]!["add_prefix_space"] = true;
        var tokenizer = SmallTokenizers.Parse(json);
        Assert.Equal(tokens, string.Join('|', tokenizer.Encode(text).Select(tokenizer.TokenText)));
    }

    private static string Pieces(JsonObject preTokenizer, string text)
    {
        string[] letters = ["a", "b", "c", "-", "1"];
        var pairs = letters.SelectMany(_ => letters, static (a, b) => $"{a} {b}");
        var triples = letters.SelectMany(_ => letters, static (a, b) => $"{a}{b}")
            .Select(static pair => $"{pair} b");
        var json = SmallTokenizers.ByteLevel([.. pairs, .. triples]);
        json["pre_tokenizer"] = preTokenizer;
        var tokenizer = SmallTokenizers.Parse(json);
        return string.Join('|', tokenizer.Encode(text).Select(tokenizer.TokenText));
    }
}
