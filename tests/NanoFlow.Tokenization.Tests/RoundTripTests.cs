// Properties of encoding over random text: what is encoded decodes to itself, merging agrees with
// the slow definition of byte-pair encoding, and size alone is no attack.

using System.Text;

namespace NanoFlow.Tokenization.Tests;

public sealed class RoundTripTests
{
    // Deliberately ambiguous merges over two letters: ranks, overlaps and chains of all kinds.
    private static readonly string[] Merges =
    [
        "a b", "b a", "ab a", "a a", "b b", "aa b", "aba ba", "bb a", "aa aa", "ab ab", "abab aba",
    ];

    [Fact]
    public void Encode_RandomUnicode_DecodesToItself()
    {
        var json = SmallTokenizers.ByteLevel(Merges, "<s>");
        json["pre_tokenizer"] =
            System.Text.Json.Nodes.JsonNode.Parse(SmallTokenizers.Llama3PreTokenizer);
        var tokenizer = SmallTokenizers.Parse(json);
        var random = new Random(6);
        for (var i = 0; i < 20_000; i++)
        {
            var text = RandomUnicode(random);
            var ids = tokenizer.Encode(text);
            Assert.Equal(text, tokenizer.Decode(ids, skipSpecialTokens: false));
        }
    }

    [Theory]
    [InlineData(30, 3000)]
    [InlineData(200, 300)]
    public void Encode_RandomWord_MergesByTheDefinition(int longest, int words)
    {
        var tokenizer = WholeTextTokenizer();
        var random = new Random(7);
        for (var i = 0; i < words; i++)
        {
            var word = new string(random.GetItems<char>("aab", random.Next(1, longest)));
            Assert.Equal(MergeSlowly(word), tokenizer.Encode(word).Select(tokenizer.TokenText));
        }
    }

    [Fact]
    public void Encode_MegabyteWithoutASpace_IsNoAttack()
    {
        var tokenizer = WholeTextTokenizer();
        var word = string.Concat(Enumerable.Repeat("aababb", 175_000));
        var ids = tokenizer.Encode(word);
        Assert.InRange(ids.Length, word.Length / 8, word.Length / 2);
        Assert.Equal(word, tokenizer.Decode(ids));
    }

    // No pre-tokenizer: the whole text is one word. Its characters are the byte alphabet's own.
    private static Tokenizer WholeTextTokenizer()
    {
        var json = SmallTokenizers.ByteLevel(Merges);
        json["pre_tokenizer"] = null;
        return SmallTokenizers.Parse(json);
    }

    private static List<string> MergeSlowly(string word)
    {
        var parts = word.Select(static c => c.ToString()).ToList();
        while (true)
        {
            var ranks = Enumerable.Range(0, parts.Count - 1)
                .Select(i => (Rank: Array.IndexOf(Merges, $"{parts[i]} {parts[i + 1]}"), At: i))
                .Where(static pair => pair.Rank >= 0)
                .ToList();
            if (ranks.Count == 0)
            {
                return parts;
            }
            var at = ranks.Min().At;
            parts[at] += parts[at + 1];
            parts.RemoveAt(at + 1);
        }
    }

    private static string RandomUnicode(Random random)
    {
        var text = new StringBuilder();
        for (var n = random.Next(20); n > 0; n--)
        {
            var codePoint = random.Next(5) switch
            {
                0 => random.Next(0x80),
                1 => random.Next(0x800),
                2 => random.Next(0x10000),
                3 => random.Next(0x110000),
                _ => " \r\n\t'sab1!"[random.Next(10)],
            };
            text.Append(Rune.IsValid(codePoint) ? new Rune(codePoint).ToString() : "<s>");
        }
        return text.ToString();
    }
}
