// Small tokenizers of every family against what Hugging Face tokenizers makes of the same random
// strings and ids (tests/oracle/tokenizer_goldens.py). NANOFLOW_TOKENIZER_GOLDENS may name another
// folder that the script has written, with many more cases.

using System.Text;
using System.Text.Json;

namespace NanoFlow.Tokenization.Tests;

public sealed class GoldenTokenizerTests
{
    private const string Variable = "NANOFLOW_TOKENIZER_GOLDENS";
    private const int FewestCases = 300;

    private static readonly string[] Committed =
    [
        "byte-level", "byte-fallback", "gemma-style", "unigram-bytes", "unigram-charsmap",
        "word-piece", "word-piece-cased", "word-level", "word-ends", "characters",
    ];

    public static TheoryData<string> Families =>
    [
        .. Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named
            ? Directory.GetFiles(named, "*.json").Select(f => Path.GetFileNameWithoutExtension(f))
            : Committed,
    ];

    [Theory]
    [MemberData(nameof(Families))]
    public void Encode_RandomText_GivesReferenceIds(string family)
    {
        var tokenizer = Open(family);
        var differences = new List<string>();
        var count = 0;
        foreach (var line in Cases(family, "text"))
        {
            count++;
            var text = line.GetProperty("text").GetString()!;
            var expected = Ints(line.GetProperty("ids"));
            var ids = tokenizer.Encode(text);
            if (!ids.SequenceEqual(expected))
            {
                differences.Add($"{Escape(text)}: [{Spell(tokenizer, ids)}], "
                    + $"not [{Spell(tokenizer, expected)}]");
            }
        }
        Assert.InRange(count, FewestCases, int.MaxValue);
        AssertNone(differences, count);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Decode_RandomIds_GivesReferenceTextWholeAndStreamed(string family)
    {
        var tokenizer = Open(family);
        var differences = new List<string>();
        var count = 0;
        foreach (var line in Cases(family, "decoded"))
        {
            count++;
            var ids = Ints(line.GetProperty("ids"));
            foreach (var (name, skip) in new[] { ("decoded", false), ("skipped", true) })
            {
                var expected = line.GetProperty(name).GetString();
                var decoded = tokenizer.Decode(ids, skip);
                if (decoded != expected || Streamed(tokenizer, ids, skip) != expected)
                {
                    differences.Add($"{Spell(tokenizer, ids)} {name}: "
                        + $"'{Escape(decoded)}', not '{Escape(expected!)}'");
                }
            }
        }
        Assert.InRange(count, FewestCases / 6, int.MaxValue);
        AssertNone(differences, count);
    }

    private static void AssertNone(List<string> differences, int count) => Assert.True(
        differences.Count == 0,
        $"{differences.Count} of {count} differ:\n{string.Join('\n', differences.Take(20))}");

    // Every piece must be whole characters of its own.
    private static string Streamed(Tokenizer tokenizer, int[] ids, bool skipSpecialTokens)
    {
        var strict = new UTF8Encoding(false, throwOnInvalidBytes: true);
        var detokenizer = new IncrementalDetokenizer(tokenizer, skipSpecialTokens);
        var text = new StringBuilder();
        foreach (var id in ids)
        {
            detokenizer.Append(id);
            text.Append(strict.GetString(detokenizer.Text));
            detokenizer.Discard(detokenizer.Text.Length);
        }
        detokenizer.Flush();
        return text.Append(strict.GetString(detokenizer.Text)).ToString();
    }

    private static Tokenizer Open(string family) =>
        Tokenizer.Parse(File.ReadAllBytes(Path.Combine(Folder(), $"{family}.json")));

    private static IEnumerable<JsonElement> Cases(string family, string property) =>
        File.ReadLines(Path.Combine(Folder(), $"{family}.jsonl"))
            .Select(static line => JsonDocument.Parse(line).RootElement)
            .Where(line => line.TryGetProperty(property, out _));

    private static string Folder() =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named
            ? named
            : Path.Combine(GoldenFolder.Path, "tokenizers");

    private static int[] Ints(JsonElement array) =>
        [.. array.EnumerateArray().Select(static item => item.GetInt32())];

    private static string Spell(Tokenizer tokenizer, int[] ids) =>
        string.Join(' ', ids.Select(id => $"{id}:{Escape(tokenizer.TokenText(id) ?? "")}"));

    private static string Escape(string text) => string.Concat(text.EnumerateRunes().Select(
        static rune => rune.Value is > 32 and < 127 ? rune.ToString() : $"\\u{rune.Value:X}."));
}
