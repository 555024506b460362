// The models beside byte-pair encoding, with vocabularies small enough to work out by hand.

using System.Text;

namespace NanoFlow.Tokenization.Tests;

public sealed class ModelTests
{
    // The best sum of scores wins, not the longest token: "abc" is ab + c at -3, not a + bc at -4.
    [Theory]
    [InlineData("abc", new[] { 4, 3 })]
    [InlineData("bc", new[] { 5 })]
    [InlineData("aabcc", new[] { 1, 4, 3, 3 })]
    [InlineData("axya", new[] { 1, 0, 1 })]
    [InlineData("xax", new[] { 0, 1, 0 })]
    [InlineData("", new int[0])]
    public void Unigram_Text_TakesTheBestPath(string text, int[] expected)
    {
        var tokenizer = Parse("""
            {"type": "Unigram", "unk_id": 0, "vocab": [
              ["<unk>", 0], ["a", -2], ["b", -2], ["c", -2], ["ab", -1], ["bc", -2]]}
            """);
        Assert.Equal(expected, tokenizer.Encode(text));
    }

    [Theory]
    [InlineData("é", new[] { 2, 3 })]
    [InlineData("aéa", new[] { 1, 2, 3, 1 })]
    [InlineData("éx", new[] { 0 })]
    public void Unigram_ByteFallback_SpellsOutARunThatHasAllItsBytes(string text, int[] expected)
    {
        var tokenizer = Parse("""
            {"type": "Unigram", "unk_id": 0, "byte_fallback": true, "vocab": [
              ["<unk>", 0], ["a", -1], ["<0xC3>", -5], ["<0xA9>", -5]]}
            """);
        Assert.Equal(expected, tokenizer.Encode(text));
    }

    [Theory]
    [InlineData("abc", new[] { 2, 4 })]
    [InlineData("abca", new[] { 2, 4, 3 })]
    [InlineData("ab", new[] { 2 })]
    [InlineData("bca", new[] { 0 })]
    [InlineData("abx", new[] { 0 })]
    [InlineData("aaaaa", new[] { 1, 3, 3, 3, 3 })]
    [InlineData("aaaaaa", new[] { 0 })]
    [InlineData("##a", new[] { 3 })]
    public void WordPiece_Word_TakesTheLongestPieces(string text, int[] expected)
    {
        var tokenizer = Parse("""
            {"type": "WordPiece", "max_input_chars_per_word": 5,
             "vocab": {"[UNK]": 0, "a": 1, "ab": 2, "##a": 3, "##c": 4}}
            """);
        Assert.Equal(expected, tokenizer.Encode(text));
    }

    [Fact]
    public void WordPiece_LimitOfAWord_CountsCharactersNotUnits()
    {
        var tokenizer = Parse("""
            {"type": "WordPiece", "max_input_chars_per_word": 2,
             "vocab": {"[UNK]": 0, "😀": 1, "##😀": 2}}
            """);
        Assert.Equal([1, 2], tokenizer.Encode("😀😀"));
        Assert.Equal([0], tokenizer.Encode("😀😀😀"));
    }

    [Fact]
    public void WordLevel_Piece_IsOneTokenOrUnknown()
    {
        var tokenizer = Parse("""{"type": "WordLevel", "vocab": {"ab": 1, "<unk>": 0}}""");
        Assert.Equal([1], tokenizer.Encode("ab"));
        Assert.Equal([0], tokenizer.Encode("abc"));
        Assert.Empty(Parse("""{"type": "WordLevel", "vocab": {"ab": 1}}""").Encode("abc"));
    }

    // A merge of "a" and "##b" makes "ab": the mark of the right part goes.
    [Theory]
    [InlineData("ab", new[] { 5 })]
    [InlineData("aab", new[] { 0, 3, 2 })]
    [InlineData("a", new[] { 4 })]
    public void Bpe_MarkedSymbols_MergeWithoutTheirMark(string text, int[] expected)
    {
        var tokenizer = Parse("""
            {"type": "BPE", "continuing_subword_prefix": "##", "end_of_word_suffix": "</w>",
             "vocab": {"a": 0, "##b": 1, "##b</w>": 2, "##a": 3, "a</w>": 4, "ab</w>": 5},
             "merges": ["a ##b</w>"]}
            """);
        Assert.Equal(expected, tokenizer.Encode(text));
    }

    [Fact]
    public void Unigram_MegabyteWithoutASpace_IsNoAttack()
    {
        var tokenizer = Parse("""{"type": "Unigram", "vocab": [["a", -1], ["aa", -1.5]]}""");
        Assert.Equal(500_000, tokenizer.Encode(new string('a', 1_000_000)).Length);
    }

    private static Tokenizer Parse(string model) =>
        Tokenizer.Parse(Encoding.UTF8.GetBytes($$"""{"model": {{model}}}"""));
}
