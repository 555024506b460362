// Schemas made to take forever, to take all memory, or to crash. Each is refused, or gives a
// grammar whose masks can be had; the work is bounded by counts, so the test needs no clock of its
// own.

using System.Diagnostics;
using System.Text;

namespace NanoFlow.Grammar.Tests;

public class HostileSchemaTests(ITestOutputHelper output)
{
    private const int Schemas = 500;

    private static readonly Func<Random, string>[] Kinds =
    [
        NestedUnions, MultipliedUnions, Cycles, Patterns, LongEnums, DeepSchema, Garbage, Counts,
        Unicode, ManyProperties,
    ];

    [Fact]
    public void HostileSchemas_AllKinds_AreRefusedOrFollowed()
    {
        var refused = 0;
        var slowest = TimeSpan.Zero;
        for (var seed = 0; seed < Schemas; seed++)
        {
            var schema = Kinds[seed % Kinds.Length](new Random(seed));
            var began = Stopwatch.GetTimestamp();
            try
            {
                var cache = new GrammarCache(() => TestVocabulary.Small);
                var constraint = new GrammarConstraint(
                    cache.Get(GrammarSpec.Schema(schema, isStrict: false)));
                TestVocabulary.Draw(constraint, new Random(seed), 10, TestVocabulary.Small);
            }
            catch (GrammarException e)
            {
                refused++;
                Assert.InRange(e.Message.Length, 1, 2000);
            }
            var took = Stopwatch.GetElapsedTime(began);
            if (took > slowest)
            {
                slowest = took;
                output.WriteLine($"{seed % Kinds.Length}/{seed}: {took.TotalMilliseconds:f0} ms");
            }
        }
        output.WriteLine($"{refused} of {Schemas} refused, slowest {slowest.TotalSeconds:f1} s");
        Assert.InRange(refused, 50, Schemas - 100);
    }

    private static string NestedUnions(Random random)
    {
        var schema = "{\"type\":\"integer\"}";
        for (var i = random.Next(1, 28); i > 0; i--)
        {
            var word = random.Next(2) == 0 ? "oneOf" : "anyOf";
            schema = $$"""{"{{word}}":[{{schema}},{"type":"string","maxLength":{{i}}}]}""";
        }
        return schema;
    }

    // Groups that multiply: each allows two ways, all must hold.
    private static string MultipliedUnions(Random random)
    {
        var groups = Enumerable.Range(0, random.Next(2, 40)).Select(i =>
            $$"""{"anyOf":[{"required":["a{{i}}"]},{"required":["b{{i}}"],"minProperties":1}]}""");
        return $$"""{"type":"object","allOf":[{{string.Join(',', groups)}}]}""";
    }

    private static string Cycles(Random random)
    {
        var count = random.Next(1, 6);
        var defs = Enumerable.Range(0, count).Select(i => random.Next(4) switch
        {
            0 => $$"""
                "d{{i}}":{"anyOf":[{"$ref":"#/$defs/d{{random.Next(count)}}"},
                {"$ref":"#/$defs/d{{random.Next(count)}}"},{"type":"null"}]}
                """,
            1 => $$"""
                "d{{i}}":{"allOf":[{"$ref":"#/$defs/d{{random.Next(count)}}"},
                {"$ref":"#/$defs/d{{random.Next(count)}}"}]}
                """,
            2 => $$"""
                "d{{i}}":{"type":"array","items":{"$ref":"#/$defs/d{{random.Next(count)}}"} }
                """,
            _ => $$"""
                "d{{i}}":{"properties":{"x":{"$ref":"#/$defs/d{{random.Next(count)}}"} },
                "required":["x"]}
                """,
        });
        return "{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + string.Join(',', defs) + "}}";
    }

    private static string Patterns(Random random)
    {
        string[] patterns =
        [
            "(a+)+", "^(a+)+$", "(a|aa)+$", "^(a|a)*$", "(.*)*", "^((a?){50}){50}$",
            "^(a{1,100}){1,100}$", "^(?:(?:a{1,1000}){1,1000}){1,1000}$", "(a?){1000000}",
            "((((((((((a*)*)*)*)*)*)*)*)*)*", "^(.{0,500}a.{0,500}){0,500}$",
            "[^\\u0000-\\uffff]{9}",
            "(x+x+)+y", "^(\\\\d+)+[a-z]{1000}$", "a{999999}", "^[\\\\s\\\\S]{0,100000}$",
            "((a{0,9}){0,9}){0,9}b|(a|b|c|d|e)*f.{30}", ".*a.{20}", "(.*a){20}",
        ];
        return $$"""{"type":"string","pattern":"{{patterns[random.Next(patterns.Length)]}}"}""";
    }

    private static string LongEnums(Random random)
    {
        var values = Enumerable.Range(0, 10_000).Select(i =>
            $"\"{(char)('a' + random.Next(26))}{random.Next()}{(i % 2 == 0 ? "é" : "")}\"");
        return $$"""{"enum":[{{string.Join(',', values)}}]}""";
    }

    private static string DeepSchema(Random random)
    {
        var depth = random.Next(10, 40_000);
        var open = random.Next(2) == 0 ? "{\"items\":" : "{\"not\":";
        return new StringBuilder().Insert(0, open, depth).Append("{}").Append('}', depth)
            .ToString();
    }

    private static string Garbage(Random random)
    {
        var text = new StringBuilder(new RandomSchema(random).Next().ToJsonString());
        for (var i = random.Next(1, 6); i > 0; i--)
        {
            var at = random.Next(text.Length);
            text[at] = "{}[]\",:a0-\\\u00e9\u0001"[random.Next(13)];
        }
        return text.ToString();
    }

    private static string Counts(Random random)
    {
        string[] number =
            ["-1", "1000000", "1000001", "1e99", "0.5", "null", "99999999999999999"];
        string[] keywords =
            ["minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"];
        var keyword = keywords[random.Next(keywords.Length)];
        var type = keyword.EndsWith("Length", StringComparison.Ordinal) ? "string"
            : keyword.EndsWith("Items", StringComparison.Ordinal) ? "array" : "integer";
        return $$"""{"type":"{{type}}","{{keyword}}":{{number[random.Next(number.Length)]}}}""";
    }

    private static string Unicode(Random random)
    {
        string[] parts =
            ["\\ud83d\\ude00", "\\ud800", "\\u0000", "\u202e", "日", "\\uffff", "\\\""];
        var name = string.Concat(
            Enumerable.Range(0, random.Next(1, 9)).Select(_ => parts[random.Next(parts.Length)]));
        return $$"""
            {"type":"object","properties":{"{{name}}":{"const":"{{name}}"} },
            "required":["{{name}}"],"additionalProperties":{"type":"null"} }
            """;
    }

    private static string ManyProperties(Random random)
    {
        var properties = Enumerable.Range(0, random.Next(100, 5000)).Select(i => $"\"p{i}\":{{}}");
        var more = random.Next(2) == 0 ? ",\"additionalProperties\":true" : "";
        return "{\"type\":\"object\",\"properties\":{" + string.Join(',', properties) + "}"
            + more + "}";
    }
}
