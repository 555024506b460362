// Tokenizers that were SentencePiece models: the visible space of Metaspace, bytes for what the
// vocabulary lacks, and a decoder that drops the space put in front.

using System.Text;

namespace NanoFlow.Tokenization.Tests;

public sealed class SentencePieceStyleTests
{
    // Ids: <unk> 0, <s> 1, then ▁ 2, a 3, b 4, ▁a 5, ▁▁ 6, and the bytes of é as 7 and 8.
    private const string File = """
        {
          "added_tokens": [{"id": 1, "content": "<s>", "special": true, "normalized": false}],
          "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "SCHEME",
                            "split": false},
          "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
          "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": FUSE, "byte_fallback": true,
            "vocab": {"<unk>": 0, "<s>": 1, "▁": 2, "a": 3, "b": 4, "▁a": 5, "▁▁": 6,
                      "<0xC3>": 7, "<0xA9>": 8},
            "merges": ["▁ a", "▁ ▁"]}
        }
        """;

    [Theory]
    [InlineData("first", "ab", new[] { 5, 4 })]
    [InlineData("first", " ab", new[] { 5, 4 })]
    [InlineData("first", "  a", new[] { 2, 5 })]
    [InlineData("first", "a<s>a", new[] { 5, 1, 3 })]
    [InlineData("first", "<s>a", new[] { 1, 3 })]
    [InlineData("always", "a<s>a", new[] { 5, 1, 5 })]
    [InlineData("never", "a a", new[] { 3, 5 })]
    [InlineData("never", "é", new[] { 7, 8 })]
    [InlineData("never", "axyé", new[] { 3, 7, 8, 0 })]
    [InlineData("never", "xyaxy", new[] { 0, 3, 0 })]
    public void Encode_Metaspace_GivesIdsWorkedOutByHand(string scheme, string text, int[] expected)
    {
        Assert.Equal(expected, Parse(scheme).Encode(text));
    }

    [Fact]
    public void Encode_UnknownNotFused_GivesOneForEachCharacter()
    {
        Assert.Equal([0, 0, 3, 0, 0], Parse("never", fuse: false).Encode("xyaxy"));
    }

    [Theory]
    [InlineData(new[] { 5, 4 }, "ab")]
    [InlineData(new[] { 6, 5 }, "  a")]
    [InlineData(new[] { 1, 5, 5 }, "a a")]
    [InlineData(new[] { 7, 8 }, "é")]
    [InlineData(new[] { 2, 7 }, "\uFFFD")]
    public void Decode_Metaspace_DropsTheFirstSpaceOfTheText(int[] ids, string expected)
    {
        Assert.Equal(expected, Parse("first").Decode(ids));
    }

    // Ids: A9 is 8, C3 is 7. What cannot be UTF-8 is replaced; the valid letter between stays.
    [Theory]
    [InlineData(new[] { 8, 7, 8, 7 }, "\uFFFDé\uFFFD")]
    [InlineData(new[] { 7, 3, 8, 8 }, "\uFFFDa\uFFFD\uFFFD")]
    public void Decode_InvalidBytes_AreReplacedOneByOne(int[] ids, string expected)
    {
        Assert.Equal(expected, Parse("first").Decode(ids));
    }

    private static Tokenizer Parse(string scheme, bool fuse = true)
    {
        var json = File.Replace("SCHEME", scheme, StringComparison.Ordinal)
            .Replace("FUSE", fuse ? "true" : "false", StringComparison.Ordinal);
        return Tokenizer.Parse(Encoding.UTF8.GetBytes(json));
    }
}
