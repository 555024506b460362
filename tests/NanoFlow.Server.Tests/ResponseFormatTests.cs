// Answers in a format: whatever a model without any sense says is JSON, and valid.

using System.Text.Json;
using NanoFlow.Grammar.Tests;

namespace NanoFlow.Server.Tests;

public sealed class ResponseFormatTests(RandomHost host, ITestOutputHelper output)
    : IClassFixture<RandomHost>
{
    private const int Schemas = 220;

    [Fact]
    public async Task JsonSchema_RandomSchemasAndLogits_AnswersAreValid()
    {
        var ended = 0;
        var seeds = Enumerable.Range(0, Schemas);
        await Parallel.ForEachAsync(
            seeds,
            new ParallelOptions { MaxDegreeOfParallelism = 16 },
            async (seed, _) =>
            {
                var schema = new RandomSchema(new Random(seed)).Next().ToJsonString();
                var answer = await host.ChatAsync(
                    $$"""
                    "response_format":{"type":"json_schema","json_schema":{"name":"s",
                    "schema":{{schema}} } },"temperature":1,"seed":{{seed}},"max_tokens":450
                    """);
                Assert.True(answer.Status == 200, answer.Text);
                if (Reason(answer) == "stop")
                {
                    Interlocked.Increment(ref ended);
                    AssertValid(schema, answer.FirstText!, seed);
                }
                else
                {
                    Assert.Equal("length", Reason(answer));
                }
            });
        output.WriteLine($"{ended} of {Schemas} answers ended by themselves");
        Assert.InRange(ended, 200, Schemas);
    }

    [Theory]
    [InlineData("/v1/chat/completions", """ "messages":[{"role":"user","content":"x"}] """)]
    [InlineData("/v1/completions", """ "prompt":"x" """)]
    public async Task JsonObject_EitherEndpoint_AnswersWithAnObjectOrIsCut(
        string path, string prompt)
    {
        for (var seed = 0; seed < 10; seed++)
        {
            var answer = await host.PostAsync(path, $$"""
                { {{prompt}},"response_format":{"type":"json_object"},
                "seed":{{seed}},"max_tokens":100}
                """);
            Assert.True(answer.Status == 200, answer.Text);
            Assert.StartsWith("{", answer.FirstText);
            if (Reason(answer) == "stop")
            {
                JsonDocument.Parse(answer.FirstText!);
            }
        }
    }

    [Fact]
    public async Task JsonSchema_Streamed_EqualsTheWholeAnswer()
    {
        const string Fields =
            """
            "response_format":{"type":"json_schema","json_schema":{"name":"s","strict":true,
            "schema":{"type":"object","properties":{"a":{"type":"string","maxLength":9},
            "b":{"enum":["x","y"]}},"required":["a","b"],"additionalProperties":false}}},"seed":5
            """;
        var whole = await host.ChatAsync(Fields);
        var stream = await host.ChatAsync(Fields + ",\"stream\":true");
        var text = string.Concat(stream.Events.Select(static e =>
            e.GetProperty("choices")[0].GetProperty("delta").TryGetProperty("content", out var c)
                ? c.GetString()
                : ""));

        Assert.Equal("stop", Reason(whole));
        Assert.Equal(whole.FirstText, text);
        Assert.Contains("\"b\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task JsonSchema_CutByMaxTokens_EndsWithLength()
    {
        var answer = await host.ChatAsync(
            """
            "response_format":{"type":"json_schema","json_schema":{"name":"s",
            "schema":{"type":"string","minLength":50}}},"max_tokens":5
            """);

        Assert.Equal("length", Reason(answer));
        Assert.StartsWith("\"", answer.FirstText);
    }

    [Theory]
    [InlineData("""{"type":"yaml"}""", "response_format.type")]
    [InlineData("""{}""", "response_format")]
    [InlineData("""{"type":"json_schema"}""", "response_format.json_schema")]
    [InlineData(
        """{"type":"json_schema","json_schema":{"name":"s"}}""", "response_format.json_schema")]
    [InlineData(
        """{"type":"json_schema","json_schema":{"schema":{"type":"x"}}}""", "response_format")]
    [InlineData(
        """{"type":"json_schema","json_schema":{"schema":{"multipleOf":2},"strict":true}}""",
        "response_format")]
    [InlineData("\"json\"", "response_format")]
    public async Task ResponseFormat_ThatCannotBeFollowed_IsRefused(string format, string param)
    {
        var answer = await host.ChatAsync($"\"response_format\":{format}");

        Assert.Equal(400, answer.Status);
        Assert.Equal(param, answer.Param);
    }

    private static string? Reason(Answer answer) =>
        answer.Choice(0).GetProperty("finish_reason").GetString();

    private static void AssertValid(string schema, string text, int seed)
    {
        using var parsedSchema = JsonDocument.Parse(schema);
        using var value = JsonDocument.Parse(text);
        Assert.True(
            new SchemaValidator(parsedSchema.RootElement).IsValid(value.RootElement),
            $"schema {seed}: {schema}\nanswer: {text}");
    }
}
