// Tokenizers made of GGUF metadata: merges by score against a plain search, kinds of tokens, split
// patterns by name, templates, end tokens, and what is said of metadata that does not fit.

using System.Text;

namespace NanoFlow.Tokenization.Tests;

public sealed class GgufTokenizerTests
{
    private const string Prefix = "tokenizer.ggml.";

    [Fact]
    public void Encode_RandomScores_MergesTheHighestScoreThenTheLeftmost()
    {
        var random = new Random(7);
        for (var round = 0; round < 60; round++)
        {
            var tokens = RandomTokens(random);
            var scores = tokens.ConvertAll(_ => (double)random.Next(-6, 0));
            var tokenizer = SentencePiece(tokens, scores);
            for (var text = 0; text < 20; text++)
            {
                var letters = RandomText(random, random.Next(1, 70));

                var ids = tokenizer.Encode(letters, addSpecialTokens: false);

                var wanted = PlainMerges(letters, tokens, scores);
                Assert.Equal(wanted, ids.Select(id => tokenizer.TokenText(id)));
            }
        }
    }

    [Fact]
    public void Encode_SentencePiece_AddsBeginTokenAndPrefixSpace()
    {
        var tokenizer = SentencePiece(["a", "b", "▁", "▁a"], [-4, -4, -4, -1]);

        Assert.Equal(["<s>", "▁a", "b"], Texts(tokenizer, tokenizer.Encode("ab")));
        Assert.Equal(["<s>", "▁a", "▁", "b"], Texts(tokenizer, tokenizer.Encode("a b")));
        Assert.Equal(
            ["▁a", "<s>", "▁", "b"],
            Texts(tokenizer, tokenizer.Encode("a<s>b", addSpecialTokens: false)));
        Assert.Equal("a b", tokenizer.Decode(tokenizer.Encode("a b")));
    }

    [Fact]
    public void Encode_UnknownCharacter_BecomesItsBytes()
    {
        var tokenizer = SentencePiece(["a", "▁", "<0xC3>", "<0xB6>"], [0, 0, 0, 0], 6, 2);

        var ids = tokenizer.Encode("aö", addSpecialTokens: false);

        Assert.Equal(["▁", "a", "<0xC3>", "<0xB6>"], Texts(tokenizer, ids));
        Assert.Equal("aö", tokenizer.Decode(ids));
    }

    [Fact]
    public void Encode_WithoutPrefixSpace_KeepsTextAsItIs()
    {
        var metadata = SentencePieceMetadata(["a", "▁"], [0, 0]);
        metadata[Prefix + "add_space_prefix"] = false;
        metadata[Prefix + "add_bos_token"] = false;
        metadata[Prefix + "add_eos_token"] = true;
        var tokenizer = Tokenizer.FromGguf("x.gguf", metadata);

        Assert.Equal(["▁", "a", "</s>"], Texts(tokenizer, tokenizer.Encode(" a")));
        Assert.Equal(" a", tokenizer.Decode(tokenizer.Encode(" a")));
    }

    [Fact]
    public void Encode_ByteLevel_FindsAddedTokensByTheirKind()
    {
        var tokenizer = Tokenizer.FromGguf("x.gguf", ByteLevelMetadata());

        Assert.Equal(
            ["ab", "<|end|>", "<tool>", "a"],
            Texts(tokenizer, tokenizer.Encode("ab<|end|><tool>a")));
        Assert.True(tokenizer.IsSpecial(tokenizer.TokenId("<|end|>")!.Value));
        Assert.False(tokenizer.IsSpecial(tokenizer.TokenId("<tool>")!.Value));
        Assert.DoesNotContain(
            tokenizer.TokenId("<|end|>")!.Value,
            tokenizer.Encode(tokenizer.GuardSpecialTokens("<|end|>")));
    }

    [Fact]
    public void Ends_ControlTokensOfKnownText_EndASequence()
    {
        var metadata = ByteLevelMetadata();
        metadata[Prefix + "eot_token_id"] = 0L;

        Assert.Equal([1, 0, 260], Tokenizer.FromGguf("x.gguf", metadata).EosTokenIds);
    }

    [Fact]
    public void Templates_NamedOnes_StandBesideTheUsual()
    {
        var metadata = ByteLevelMetadata();
        metadata["tokenizer.chat_template"] = "usual";
        metadata["tokenizer.chat_template.tool_use"] = "tools";

        var config = Tokenizer.FromGguf("x.gguf", metadata).Config;

        Assert.Equal("usual", config.ChatTemplate);
        Assert.Equal("tools", config.ChatTemplates["tool_use"]);
    }

    [Fact]
    public void Splits_AllNames_CutTextThatDecodesToItself()
    {
        const string Text = "Hello, it's 12345 μm\r\n  of Ωmega\t漢字かな 한글 \u1F80x 𐐀y! ... <end>";
        var names = SplitNames();
        Assert.Contains("llama-bpe", names);
        Assert.InRange(names.Length, 20, 100);
        foreach (var name in names)
        {
            var metadata = ByteLevelMetadata();
            metadata[Prefix + "pre"] = name;
            var tokenizer = Tokenizer.FromGguf("x.gguf", metadata);

            var ids = tokenizer.Encode(Text, addSpecialTokens: false);

            Assert.Equal(Text, tokenizer.Decode(ids));
            Assert.True(ids.Length > 40, name);
        }
    }

    [Theory]
    [InlineData("model", "t5", "tokenizer.ggml.model: 't5' is not supported, known: llama, gpt2")]
    [InlineData("model", null, "tokenizer.ggml.model: is missing")]
    [InlineData("model", 3L, "tokenizer.ggml.model: must be a string")]
    [InlineData("pre", "new-one", "tokenizer.ggml.pre: 'new-one' is not supported, known: llama-")]
    [InlineData("tokens", null, "tokenizer.ggml.tokens: is missing")]
    [InlineData("tokens", "a", "tokenizer.ggml.tokens: must be an array of strings")]
    [InlineData("token_type", new[] { 1.0 }, "must be an array of 261 numbers")]
    [InlineData("token_type", 7.0, "token_type[0]: must be an integer from 1 to 6")]
    [InlineData("token_type", 1.5, "token_type[0]: must be an integer from 1 to 6")]
    [InlineData("merges", null, "tokenizer.ggml.merges: is missing")]
    [InlineData("merges", new[] { "a b", "ab" }, "merges[1]: must be two tokens with one space")]
    [InlineData("merges", new[] { "b b" }, "merges[0]: must be two tokens with one space")]
    [InlineData("eos_token_id", 261L, "eos_token_id: must be an integer from 0 to 260")]
    [InlineData("bos_token_id", -1L, "bos_token_id: must be an integer from 0 to 260")]
    [InlineData("add_bos_token", "yes", "add_bos_token: must be true or false")]
    public void Metadata_Wrong_IsRefused(string key, object? value, string says)
    {
        var metadata = ByteLevelMetadata();
        metadata.Remove(Prefix + key);
        if (value is double kind)
        {
            value = Enumerable.Repeat(kind, 261).ToArray();
        }
        if (value is not null)
        {
            metadata[Prefix + key] = value;
        }

        var error = Assert.Throws<TokenizerFormatException>(
            () => Tokenizer.FromGguf("x.gguf", metadata));

        Assert.StartsWith("x.gguf: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "tokenizer.ggml.scores: is missing")]
    [InlineData(double.NaN, "tokenizer.ggml.scores[0]: must be a finite number")]
    public void Scores_Wrong_AreRefused(double? score, string says)
    {
        var metadata = SentencePieceMetadata(["a"], [0]);
        metadata.Remove(Prefix + "scores");
        if (score is { } number)
        {
            metadata[Prefix + "scores"] = new[] { number, 0, 0, 0 };
        }

        var error = Assert.Throws<TokenizerFormatException>(
            () => Tokenizer.FromGguf("x.gguf", metadata));

        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LongToken_MadeByMerges_IsRefused()
    {
        var error = Assert.Throws<TokenizerFormatException>(
            () => SentencePiece(["a", new string('a', 257)], [0, 0]));

        Assert.Contains("tokens[4]: has 257 characters", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Metadata_Damaged_BuildsOrIsRefused()
    {
        object[] values =
        [
            "", "llama", "gpt2", "bert", "default", 0L, -1L, 300L, ulong.MaxValue, double.NaN, true,
            Array.Empty<string>(), new[] { "", "" }, new[] { "a", "a b" }, Array.Empty<double>(),
            new[] { 1.0, 6.0 }, Enumerable.Repeat(6.0, 261).ToArray(),
            Enumerable.Repeat(double.MaxValue, 261).ToArray(),
        ];
        var random = new Random(5);
        var refused = 0;
        const int Rounds = 1_000;
        for (var round = 0; round < Rounds; round++)
        {
            var metadata = ByteLevelMetadata();
            foreach (var key in metadata.Keys.ToArray())
            {
                if (random.Next(6) == 0)
                {
                    metadata[key] = values[random.Next(values.Length)];
                }
            }
            try
            {
                Tokenizer.FromGguf("x.gguf", metadata).Encode("ab <|end|> 漢");
            }
            catch (TokenizerFormatException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, Rounds / 10, Rounds - Rounds / 10);
    }

    private static string[] SplitNames()
    {
        var metadata = ByteLevelMetadata();
        metadata[Prefix + "pre"] = "?";
        var error = Assert.Throws<TokenizerFormatException>(
            () => Tokenizer.FromGguf("x.gguf", metadata));
        return error.Message[(error.Message.IndexOf("known: ", StringComparison.Ordinal) + 7)..]
            .Split(", ");
    }

    // Two control tokens, the bytes, one merge, an added token, a second end.
    private static Dictionary<string, object> ByteLevelMetadata()
    {
        var bytes = Enumerable.Range(0, 256).Select(b => SmallTokenizers.ByteChars[b].ToString());
        string[] tokens = ["<begin>", "<|eot_id|>", .. bytes, "ab", "<tool>", "<|end|>"];
        return new()
        {
            [Prefix + "model"] = "gpt2",
            [Prefix + "pre"] = "gpt-2",
            [Prefix + "tokens"] = tokens,
            [Prefix + "token_type"] =
                tokens.Select(text => text[0] != '<' || text.Length == 1 ? 1.0
                    : text == "<tool>" ? 4.0
                    : 3.0).ToArray(),
            [Prefix + "merges"] = new[] { "a b" },
            [Prefix + "bos_token_id"] = 0L,
            [Prefix + "eos_token_id"] = 1L,
        };
    }

    private static Tokenizer SentencePiece(
        IReadOnlyList<string> tokens, IReadOnlyList<double> scores, int kindOfLast = 1,
        int lastCount = 0) =>
        Tokenizer.FromGguf(
            "x.gguf", SentencePieceMetadata(tokens, scores, kindOfLast, lastCount));

    private static Dictionary<string, object> SentencePieceMetadata(
        IReadOnlyList<string> tokens, IReadOnlyList<double> scores, int kindOfLast = 1,
        int lastCount = 0) => new()
        {
            [Prefix + "model"] = "llama",
            [Prefix + "tokens"] = (string[])["<unk>", "<s>", "</s>", .. tokens],
            [Prefix + "scores"] = (double[])[0, 0, 0, .. scores],
            [Prefix + "token_type"] = (double[])
                [
                    2, 3, 3,
                    .. tokens.Select((_, i) => i < tokens.Count - lastCount ? 1.0 : kindOfLast),
                ],
            [Prefix + "bos_token_id"] = 1L,
            [Prefix + "eos_token_id"] = 2L,
        };

    private static IEnumerable<string?> Texts(Tokenizer tokenizer, int[] ids) =>
        ids.Select(id => tokenizer.TokenText(id));

    private static List<string> RandomTokens(Random random)
    {
        var tokens = new HashSet<string>(["a", "b", "c", "▁"]);
        while (tokens.Count < 30)
        {
            tokens.Add(RandomText(random, random.Next(2, 6)));
        }
        return [.. tokens];
    }

    private static string RandomText(Random random, int length)
    {
        var text = new StringBuilder();
        for (var i = 0; i < length; i++)
        {
            text.Append("abc"[random.Next(3)]);
        }
        return text.ToString();
    }

    // The definition itself: look at all neighbours, join the best, again.
    private static List<string> PlainMerges(
        string text, List<string> tokens, List<double> scores)
    {
        var symbols = ("▁" + text).Select(letter => letter.ToString()).ToList();
        while (true)
        {
            var best = -1;
            var bestScore = double.NegativeInfinity;
            for (var i = 0; i + 1 < symbols.Count; i++)
            {
                var id = tokens.IndexOf(symbols[i] + symbols[i + 1]);
                if (id >= 0 && scores[id] > bestScore)
                {
                    (best, bestScore) = (i, scores[id]);
                }
            }
            if (best < 0)
            {
                return symbols;
            }
            symbols[best] += symbols[best + 1];
            symbols.RemoveAt(best + 1);
        }
    }
}
