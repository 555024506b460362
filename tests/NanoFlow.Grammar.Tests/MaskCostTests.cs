// What a mask costs at the size of a real vocabulary. The figures are printed, not judged: a busy
// machine would fail the test. What is judged is that most states are found at the second request.

using System.Diagnostics;
using System.Text;

namespace NanoFlow.Grammar.Tests;

public class MaskCostTests(ITestOutputHelper output)
{
    private const int Tokens = 128 * 1024;

    [Fact]
    public void Mask_LargeVocabulary_IsFoundOnce()
    {
        var vocabulary = Large();
        var cache = new GrammarCache(() => vocabulary);
        var began = Stopwatch.GetTimestamp();
        cache.Get(GrammarSpec.Schema("{\"const\":1}", true));
        output.WriteLine($"first grammar, with the tree of tokens: {Since(began):f1} ms");
        Measure(cache, vocabulary, "object", GrammarSpec.JsonObject,
            """{"name": "Ada Lovelace", "born": 1815, "tags": ["maths", "poetry"], "x": null}""");
        Measure(cache, vocabulary, "schema", GrammarSpec.Schema(
            """
            {"type":"object","properties":{"name":{"type":"string","maxLength":400},
            "born":{"type":"integer","minimum":0,"maximum":2100},
            "tags":{"type":"array","items":{"enum":["maths","poetry"]}}},
            "required":["name","born","tags"],"additionalProperties":false}
            """,
            true),
            """{"name": "Ada Lovelace", "born": 1815, "tags": ["maths", "poetry"]}""");
    }

    private void Measure(
        GrammarCache cache,
        GrammarVocabulary vocabulary,
        string name,
        GrammarSpec spec,
        string text)
    {
        var began = Stopwatch.GetTimestamp();
        var grammar = cache.Get(spec);
        output.WriteLine($"{name}: compiled and tried in {Since(began):f1} ms");
        var tried = grammar.MaskCount;
        var mask = new uint[vocabulary.MaskWords];
        var found = 0;
        for (var run = 0; run < 3; run++)
        {
            found = grammar.MaskCount;
            var constraint = new GrammarConstraint(grammar);
            var slowest = 0.0;
            var total = Stopwatch.GetTimestamp();
            foreach (var value in Encoding.UTF8.GetBytes(text))
            {
                began = Stopwatch.GetTimestamp();
                constraint.WriteMask(mask);
                slowest = Math.Max(slowest, Since(began));
                Assert.NotEqual(0u, mask[value >> 5] >> (value & 31) & 1);
                constraint.Append(value);
            }
            var mean = Since(total) * 1000 / text.Length;
            output.WriteLine($"  run {run}: {mean:f1} us a token, slowest {slowest:f2} ms, "
                + $"{grammar.MaskCount} masks ({tried} from the trial)");
        }
        Assert.Equal(found, grammar.MaskCount);
    }

    private static double Since(long began) => Stopwatch.GetElapsedTime(began).TotalMilliseconds;

    // Bytes, then words with and without a space in front, numbers, signs, and runs of spaces: the
    // shape of published vocabularies.
    private static GrammarVocabulary Large()
    {
        var random = new Random(5);
        var signs = "{}[]\":,._-/\\()<>=;!?*+'#@&%$|~^`";
        var tokens = new List<byte[]>();
        for (var id = 0; id < Tokens; id++)
        {
            tokens.Add(id < 256 ? [(byte)id] : Encoding.UTF8.GetBytes(Word(random, signs)));
        }
        tokens.Add([]);
        return new GrammarVocabulary(tokens.Count, id => tokens[id], [tokens.Count - 1]);
    }

    private static string Word(Random random, string signs)
    {
        var word = new StringBuilder(random.Next(2) == 0 ? " " : "");
        var kind = random.Next(20);
        for (var length = 1 + random.Next(4) + random.Next(8); length > 0; length--)
        {
            word.Append(kind switch
            {
                < 14 => (char)('a' + Math.Min(random.Next(26), random.Next(26))),
                < 15 => (char)('A' + random.Next(26)),
                < 16 => (char)('0' + random.Next(10)),
                < 17 => signs[random.Next(signs.Length)],
                < 18 => (char)('\u0430' + random.Next(32)),
                < 19 => (char)('\u4e00' + random.Next(4000)),
                _ => ' ',
            });
        }
        return word.ToString();
    }
}
