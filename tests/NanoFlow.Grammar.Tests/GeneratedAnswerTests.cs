// The point of it all: whatever is drawn at random from the masks is JSON, and valid.

using System.Text.Json;

namespace NanoFlow.Grammar.Tests;

public class GeneratedAnswerTests(ITestOutputHelper output)
{
    private const int MaxTokens = 3000;

    [Fact]
    public void RandomSchemas_RandomTokens_AnswersAreValid()
    {
        var random = new Random(17);
        var ended = 0;
        var refused = 0;
        for (var i = 0; i < 400; i++)
        {
            var schema = new RandomSchema(new Random(i)).Next().ToJsonString();
            TokenGrammar grammar;
            try
            {
                grammar = Compile(GrammarSpec.Schema(schema, isStrict: false));
            }
            catch (GrammarException e)
            {
                output.WriteLine($"{i}: {e.Message} {schema}");
                refused++;
                continue;
            }
            for (var run = 0; run < 4; run++)
            {
                var text = TestVocabulary.Draw(
                    new GrammarConstraint(grammar), random, MaxTokens, TestVocabulary.Small);
                if (text is not null)
                {
                    ended++;
                    AssertValid(schema, text, i);
                }
            }
        }
        output.WriteLine($"{ended} answers ended, {refused} schemas were refused");
        Assert.InRange(ended, 1000, 1600);
        Assert.Equal(0, refused);
    }

    [Fact]
    public void JsonObject_RandomTokens_AnswersAreObjects()
    {
        var random = new Random(3);
        var grammar = Compile(GrammarSpec.JsonObject);
        var ended = 0;
        for (var run = 0; run < 200; run++)
        {
            var text = TestVocabulary.Draw(
                new GrammarConstraint(grammar), random, MaxTokens, TestVocabulary.Small);
            if (text is not null)
            {
                ended++;
                using var document = JsonDocument.Parse(text);
                Assert.Equal(JsonValueKind.Object, document.RootElement.ValueKind);
            }
        }
        Assert.InRange(ended, 50, 200);
    }

    private static void AssertValid(string schema, string text, int seed)
    {
        using var parsedSchema = JsonDocument.Parse(schema);
        using var answer = JsonDocument.Parse(text);
        Assert.True(
            new SchemaValidator(parsedSchema.RootElement).IsValid(answer.RootElement),
            $"schema {seed}: {schema}\nanswer: {text}");
    }

    private static TokenGrammar Compile(GrammarSpec spec) =>
        new GrammarCache(() => TestVocabulary.Small).Get(spec);
}
