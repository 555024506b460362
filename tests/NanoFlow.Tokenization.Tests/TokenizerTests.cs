// Encoding with tokenizers small enough to work out the ids by hand: id = byte below 256, then the
// merges in order, then the added tokens.

using System.Text.Json;
using System.Text.Json.Nodes;

namespace NanoFlow.Tokenization.Tests;

public sealed class TokenizerTests
{
    private static readonly string[] Merges = ["h e", "l l", "he ll", "hell o", "Ġ w", "l o"];

    private const int He = 256;
    private const int Ll = 257;
    private const int Hell = 258;
    private const int Hello = 259;
    private const int SpaceW = 260;
    private const int Lo = 261;
    private const int Bos = 262;
    private const int Eot = 263;

    [Theory]
    [InlineData("hello", new int[] { Hello })]
    [InlineData("hell", new int[] { Hell })]
    [InlineData("llo", new int[] { Ll, 'o' })]
    [InlineData("hello w", new int[] { Hello, SpaceW })]
    [InlineData("hehe", new int[] { He, He })]
    [InlineData("lll", new int[] { Ll, 'l' })]
    [InlineData("lo", new int[] { Lo })]
    [InlineData("é", new int[] { 0xC3, 0xA9 })]
    [InlineData("", new int[0])]
    [InlineData("he llo", new int[] { He, ' ', Ll, 'o' })]
    [InlineData("<bos>hello<eot>", new int[] { Bos, Hello, Eot })]
    [InlineData("<bos", new int[] { '<', 'b', 'o', 's' })]
    public void Encode_SmallVocabulary_GivesIdsWorkedOutByHand(string text, int[] expected)
    {
        Assert.Equal(expected, Small().Encode(text, addSpecialTokens: false));
    }

    [Fact]
    public void Encode_LoneSurrogate_CountsAsReplacementCharacter()
    {
        int[] replacement = [0xEF, 0xBF, 0xBD];
        Assert.Equal(['a', .. replacement, 'b'], Small().Encode("a\uD800b"));
        Assert.Equal([.. replacement, .. replacement], Small().Encode("\uDE00\uD83D"));
        int[] face = [0xF0, 0x9F, 0x98, 0x80];
        Assert.Equal([.. face, .. replacement], Small().Encode("\uD83D\uDE00\uD83D"));
    }

    [Fact]
    public void Encode_MergesAsPairs_EqualMergesAsText()
    {
        var json = SmallTokenizers.ByteLevel(Merges);
        json["model"]!["merges"] = new JsonArray([.. Merges.Select(static merge =>
            new JsonArray([.. merge.Split(' ').Select(static part => JsonValue.Create(part))]))]);
        Assert.Equal([Hello, SpaceW], SmallTokenizers.Parse(json).Encode("hello w"));
    }

    [Fact]
    public void Encode_IgnoreMerges_TakesAWholeWordThatMergesCannotReach()
    {
        var json = SmallTokenizers.ByteLevel(Merges);
        json["model"]!["vocab"]!["heo"] = 900;
        Assert.Equal([He, 'o'], SmallTokenizers.Parse(json).Encode("heo"));
        json["model"]!["ignore_merges"] = true;
        Assert.Equal([900], SmallTokenizers.Parse(json).Encode("heo"));
    }

    [Fact]
    public void Encode_SpecialTokenInUserText_IsPlainTextWhenNotParsed()
    {
        var ids = new List<int>();
        var count = Small().Encode("<eot>he", ids, EncodeOptions.PlainText);
        Assert.Equal(['<', 'e', 'o', 't', '>', He], ids);
        Assert.Equal(6, count);
    }

    [Fact]
    public void Encode_GuardedContentInATemplate_KeepsOnlyTheTemplatesTokens()
    {
        var tokenizer = Small();
        using var messages =
            JsonDocument.Parse("""[{"role": "user", "content": "he<eot><bos>"}]""");
        var prompt = ChatTemplate.Parse("<bos>{{ messages[0].content }}<eot>").Render(
            new ChatTemplateInput
            {
                Messages = messages.RootElement,
                Guard = tokenizer.GuardSpecialTokens,
            });
        var ids = new List<int>();
        tokenizer.Encode(prompt, ids, EncodeOptions.Chat);
        Assert.Equal([Bos, He, .. "<eot><bos>".Select(static c => (int)c), Eot], ids);
        Assert.Equal("he<eot><bos>", tokenizer.Decode([.. ids]));
    }

    [Theory]
    [InlineData("<a<ab>b>")]
    [InlineData("<ab><ab><b>")]
    [InlineData("ab><ab>c<")]
    public void GuardSpecialTokens_OverlappingTokens_LeavesNoneToFind(string text)
    {
        var json = SmallTokenizers.ByteLevel([], "<ab>", "b><a", "ab><ab>c", "<b>");
        json["added_tokens"]![3]!["normalized"] = true;
        var tokenizer = SmallTokenizers.Parse(json);
        var ids = new List<int>();
        tokenizer.Encode(tokenizer.GuardSpecialTokens(text), ids, EncodeOptions.Chat);
        Assert.Equal(text.Select(static c => (int)c), ids);
    }

    [Fact]
    public void Encode_AddSpecialTokens_FollowsTheTemplate()
    {
        var json = SmallTokenizers.ByteLevel(Merges, "<bos>", "<eot>");
        json["post_processor"] = JsonNode.Parse("""
            {"type": "Sequence", "processors": [
              {"type": "ByteLevel"},
              {"type": "TemplateProcessing",
               "single": [{"SpecialToken": {"id": "<bos>", "type_id": 0}},
                          {"Sequence": {"id": "A", "type_id": 0}},
                          {"SpecialToken": {"id": "<eot>", "type_id": 0}}],
               "special_tokens": {"<bos>": {"id": "<bos>", "ids": [262], "tokens": ["<bos>"]},
                                  "<eot>": {"id": "<eot>", "ids": [263], "tokens": ["<eot>"]}}}]}
            """);
        var tokenizer = SmallTokenizers.Parse(json);
        Assert.Equal([Bos, He, Eot], tokenizer.Encode("he"));
        Assert.Equal([Bos, Eot], tokenizer.Encode(""));
        Assert.Equal([He], tokenizer.Encode("he", addSpecialTokens: false));
    }

    [Fact]
    public void Encode_NestedAddedTokens_TakesTheLongestAtTheLeftmostPlace()
    {
        var tokenizer = SmallTokenizers.Parse(
            SmallTokenizers.ByteLevel([], "<a>", "<a><b>", "b><c>", "<c>"));
        Assert.Equal([257, 259], tokenizer.Encode("<a><b><c>"));
        Assert.Equal([256, 258, '>'], tokenizer.Encode("<a>b><c>>"));
    }

    [Theory]
    [InlineData("lstrip", "x \n<t>y", new int[] { 'x', 256, 'y' })]
    [InlineData("rstrip", "x<t> \n y", new int[] { 'x', 256, 'y' })]
    [InlineData("single_word", "x<t>", new int[] { 'x', '<', 't', '>' })]
    [InlineData("single_word", "<t>1", new int[] { '<', 't', '>', '1' })]
    [InlineData("single_word", "-<t>-", new int[] { '-', 256, '-' })]
    [InlineData("special", " <t> ", new int[] { ' ', 256, ' ' })]
    public void Encode_AddedTokenFlag_WidensOrVetoesTheMatch(
        string flag, string text, int[] expected)
    {
        var json = SmallTokenizers.ByteLevel([], "<t>");
        json["added_tokens"]![0]![flag] = true;
        Assert.Equal(expected, SmallTokenizers.Parse(json).Encode(text));
    }

    [Fact]
    public void Encode_NormalizedAddedToken_IsFoundInNormalizedText()
    {
        var json = SmallTokenizers.ByteLevel([], "<T>");
        json["normalizer"] = new JsonObject { ["type"] = "Lowercase" };
        Assert.Equal(['<', 't', '>'], SmallTokenizers.Parse(json).Encode("<t>"));
        json["added_tokens"]![0]!["normalized"] = true;
        Assert.Equal([256, 'a', 256], SmallTokenizers.Parse(json).Encode("<t>A<T>"));
    }

    [Fact]
    public void Encode_FromManyThreads_GivesTheSameIds()
    {
        var tokenizer = Small();
        var texts = Enumerable.Range(0, 200).Select(i => $"hello w{i} he{i % 7} lo<eot>").ToArray();
        var expected = texts.Select(text => string.Join(' ', tokenizer.Encode(text))).ToArray();
        Parallel.For(0, 2000, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
        {
            var at = i % texts.Length;
            Assert.Equal(expected[at], string.Join(' ', tokenizer.Encode(texts[at])));
        });
    }

    [Fact]
    public void Vocabulary_Lookups_AnswerByIdAndText()
    {
        var json = SmallTokenizers.ByteLevel(Merges, "<bos>", "<｜eot｜>");
        var config = new TokenizerConfig
        {
            BosToken = "<bos>",
            EosToken = "<｜eot｜>",
            EosTokenIds = [5, Eot],
        };
        var tokenizer = SmallTokenizers.Parse(json, config);
        Assert.Equal(264, tokenizer.VocabularySize);
        Assert.Equal("Ġw", tokenizer.TokenText(SpaceW));
        Assert.Equal(" w"u8, tokenizer.TokenBytes(SpaceW));
        Assert.Equal("<｜eot｜>"u8, tokenizer.TokenBytes(Eot));
        Assert.Equal([0xC3], tokenizer.TokenBytes(0xC3).ToArray());
        Assert.True(tokenizer.TokenBytes(-1).IsEmpty && tokenizer.TokenBytes(264).IsEmpty);
        Assert.Null(tokenizer.TokenText(int.MaxValue));
        Assert.Equal(Hello, tokenizer.TokenId("hello"));
        Assert.Null(tokenizer.TokenId("nothing"));
        Assert.True(tokenizer.IsSpecial(Bos) && !tokenizer.IsSpecial(Hello));
        Assert.Equal((Bos, Eot), (tokenizer.BosTokenId, tokenizer.EosTokenId));
        Assert.Equal([Eot, 5], tokenizer.EosTokenIds);
    }

    [Fact]
    public void Decode_SpecialTokens_AreSkippedOnlyWhenAsked()
    {
        var tokenizer = Small();
        Assert.Equal("hello", tokenizer.Decode([Bos, Hello, Eot]));
        Assert.Equal(
            "<bos>hello<eot>", tokenizer.Decode([Bos, Hello, Eot], skipSpecialTokens: false));
    }

    private static Tokenizer Small() =>
        SmallTokenizers.Parse(SmallTokenizers.ByteLevel(Merges, "<bos>", "<eot>"));
}
