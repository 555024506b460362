// Damaged tokenizer.json files: each is refused with the one exception that callers know, or makes
// a tokenizer that splits text and puts it together again without failing.

using System.Text;
using NanoFlow.Tokenization.Patterns;

namespace NanoFlow.Tokenization.Tests;

public sealed class TokenizerMutationTests
{
    private const int Mutations = 2_000;
    private const int LargeMutations = 20_000;

    // Made beside the file, not kept at once: tables of characters, and the programs of patterns,
    // which have limits of their own.
    private const long OwnBytes = 64 << 20;

    private static readonly string[] Fragments =
    [
        "{", "}", "[", "]", ",", ":", "null", "true", "false", "\"\"", "\"type\":", "\"BPE\"",
        "\"Unigram\"", "\"WordPiece\"", "\"ByteLevel\"", "\"Metaspace\"", "\"Split\"",
        "\"Sequence\"", "\"Replace\"", "\"Regex\":", "\"(a+)+$\"", "\"(?i:x\"", "\"\\\\p{L}*\"",
        "-1", "0", "1e999", "0.5", "4294967296", "99999999999999999999", "\"vocab\":", "\"id\":",
        "\"merges\":", "\"unk_id\":", "\"content\":", "\"a b\"", "\"\\ud800\"", "\\u0000", "\\",
        "\"byte_fallback\":true", "\"fuse_unk\":true", "\"ignore_merges\":true", "\"dropout\":1",
        "\"special\":true", "\"lstrip\":true", "\"single_word\":true", "\"prepend_scheme\":\"x\"",
    ];

    public static TheoryData<string> Families => ["small", "byte-fallback", "unigram-charsmap",
        "word-piece", "characters"];

    [Theory]
    [MemberData(nameof(Families))]
    public void Tokenizer_Mutated_WorksOrIsRefused(string family)
    {
        var valid = family == "small"
            ? SmallTokenizers.ByteLevel(["h e", "l l", "he ll"], "<|end|>").ToJsonString()
            : Shorter(File.ReadAllText(
                Path.Combine(GoldenFolder.Path, "tokenizers", $"{family}.json")));
        var mutation = new TextMutation(family.Length, Fragments);
        var refused = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var json = mutation.Next(valid);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Use(json);
            }
            catch (TokenizerFormatException e)
            {
                refused++;
                Assert.DoesNotContain('\n', e.Message);
            }
            catch (Exception e)
            {
                Assert.Fail($"round {round}: {e.GetType().Name} {e.Message} from:\n{json}");
            }

            var taken = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.InRange(taken, 0, (2 * json.Length) + OwnBytes);
        }

        Assert.InRange(refused, Rounds / 10, Rounds - 1);
    }

    private static int Rounds =>
        Environment.GetEnvironmentVariable("NANOFLOW_TEST_SCALE") == "large"
            ? LargeMutations : Mutations;

    // Whitespace would take most of the damage.
    private static string Shorter(string json) =>
        System.Text.Json.Nodes.JsonNode.Parse(json)!.ToJsonString();

    private static void Use(string json)
    {
        var tokenizer = Tokenizer.Parse(Encoding.UTF8.GetBytes(json));
        try
        {
            tokenizer.Decode(tokenizer.Encode("Hello, hell <|end|> \U0001F600 12 \u4E2D"));
        }
        catch (PatternLimitException)
        {
            // A pattern that takes too long is an answer, too.
        }
    }
}
