// Normalizers, seen through a tokenizer that decodes what it encodes. The normal forms are checked
// by known cases and by the laws that hold for all text.

using System.Text;
using System.Text.Json.Nodes;

namespace NanoFlow.Tokenization.Tests;

public sealed class NormalizerTests
{
    [Theory]
    [InlineData("""{"type":"Lowercase"}""", "AÀİ", "aài\u0307")]
    [InlineData("""{"type":"Prepend","prepend":"_"}""", "a", "_a")]
    [InlineData("""{"type":"Strip"}""", " \u3000a b\n", "a b")]
    [InlineData("""{"type":"Strip","strip_left":false}""", " a ", " a")]
    [InlineData("""{"type":"Strip","strip_right":false}""", " a ", "a ")]
    [InlineData("""{"type":"StripAccents"}""", "e\u0301é\u20DDx", "eéx")]
    [InlineData("""{"type":"Nmt"}""", "a\u0001\tb\u200Bc", "a b c")]
    [InlineData("""{"type":"BertNormalizer"}""", "É\u0000\u200D\t中x", "e  中 x")]
    [InlineData("""{"type":"BertNormalizer","strip_accents":false}""", "É", "é")]
    [InlineData("""{"type":"BertNormalizer","lowercase":false}""", "É中", "É 中 ")]
    [InlineData(
        """{"type":"BertNormalizer","clean_text":false,"handle_chinese_chars":false}""",
        "\tÉ中",
        "\te中")]
    [InlineData("""{"type":"Replace","pattern":{"String":"a"},"content":"bb"}""", "aca", "bbcbb")]
    [InlineData("""{"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "}""", "a \n b", "a b")]
    [InlineData(
        """
        {"type":"Sequence","normalizers":[{"type":"Lowercase"},
          {"type":"Replace","pattern":{"String":"a"},"content":"b"}]}
        """,
        "Aa",
        "bb")]
    public void Normalizer_Kind_RewritesText(string normalizer, string text, string expected)
    {
        Assert.Equal(expected, Normalize(WithNormalizer(normalizer), text));
    }

    [Theory]
    [InlineData("é", "é", "e\u0301", "é", "e\u0301")]
    [InlineData("e\u0301\u0323", "ẹ\u0301", "e\u0323\u0301", "ẹ\u0301", "e\u0323\u0301")]
    [InlineData("ﬁ", "ﬁ", "ﬁ", "fi", "fi")]
    [InlineData("각", "각", "\u1100\u1161\u11A8", "각", "\u1100\u1161\u11A8")]
    [InlineData("\u1100\u1161\u11A8", "각", "\u1100\u1161\u11A8", "각", "\u1100\u1161\u11A8")]
    [InlineData("\u212B", "Å", "A\u030A", "Å", "A\u030A")]
    [InlineData("\u0958", "\u0915\u093C", "\u0915\u093C", "\u0915\u093C", "\u0915\u093C")]
    [InlineData("\uD834\uDD5E", "𝅗\U0001D165", "𝅗\U0001D165", "𝅗\U0001D165", "𝅗\U0001D165")]
    [InlineData("①½\u00A0𝐀", "①½\u00A0𝐀", "①½\u00A0𝐀", "11\u20442 A", "11\u20442 A")]
    [InlineData("a\u0338\u0301\u0301", "á\u0338\u0301", "a\u0338\u0301\u0301", "á\u0338\u0301",
        "a\u0338\u0301\u0301")]
    public void NormalForm_KnownText_GivesTheFourForms(
        string text, string nfc, string nfd, string nfkc, string nfkd)
    {
        string[] expected = [nfc, nfd, nfkc, nfkd];
        Assert.Equal(expected, Forms().Select(form => Normalize(form, text)));
    }

    [Fact]
    public void NormalForm_RandomText_ObeysTheLaws()
    {
        var forms = Forms();
        var (nfc, nfd, nfkc, nfkd) = (forms[0], forms[1], forms[2], forms[3]);
        var random = new Random(8);
        for (var i = 0; i < 5000; i++)
        {
            var text = RandomText(random);
            var composed = Normalize(nfc, text);
            var decomposed = Normalize(nfd, text);
            Assert.Equal(composed, Normalize(nfc, composed));
            Assert.Equal(composed, Normalize(nfc, decomposed));
            Assert.Equal(decomposed, Normalize(nfd, composed));
            Assert.Equal(Normalize(nfkc, text), Normalize(nfkc, decomposed));
            Assert.Equal(Normalize(nfkd, text), Normalize(nfd, Normalize(nfkc, text)));
        }
    }

    [Fact]
    public void NormalForm_MegabyteOfMarks_IsNoAttack()
    {
        var marks = string.Concat(Enumerable.Repeat("\u0301\u0323", 250_000));
        var expected = new string('\u0323', 250_000) + new string('\u0301', 250_000);
        Assert.Equal("x" + expected, Normalize(WithNormalizer("""{"type":"NFD"}"""), "x" + marks));
    }

    private static List<Tokenizer> Forms() => [.. new[] { "NFC", "NFD", "NFKC", "NFKD" }
        .Select(static form => WithNormalizer($$"""{"type":"{{form}}"}"""))];

    private static Tokenizer WithNormalizer(string normalizer)
    {
        var json = SmallTokenizers.ByteLevel([]);
        json["normalizer"] = JsonNode.Parse(normalizer);
        return SmallTokenizers.Parse(json);
    }

    private static string Normalize(Tokenizer tokenizer, string text) =>
        tokenizer.Decode(tokenizer.Encode(text));

    // Letters, marks, jamo and compatibility characters from where most of them live.
    private static string RandomText(Random random)
    {
        (int First, int Last)[] ranges =
        [
            (0x41, 0x7A), (0xA0, 0x24F), (0x300, 0x345), (0x900, 0xDDF), (0x1100, 0x11FF),
            (0x1E00, 0x1FFF), (0x2100, 0x214F), (0xAC00, 0xAC40), (0xF900, 0xFAFF),
            (0x1D15E, 0x1D172),
        ];
        var text = new StringBuilder();
        for (var n = random.Next(1, 8); n > 0; n--)
        {
            var (first, last) = ranges[random.Next(ranges.Length)];
            text.Append(new Rune(random.Next(first, last + 1)));
        }
        return text.ToString();
    }
}
