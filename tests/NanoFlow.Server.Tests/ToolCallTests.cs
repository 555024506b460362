// Tool calls out of a model that recites them in the form of its family, cut in any way, and out of
// a model that makes no sense but must call.

using System.Text;
using System.Text.Json;
using NanoFlow.Engine;
using NanoFlow.Grammar.Tests;
using NanoFlow.Server.Tools;

namespace NanoFlow.Server.Tests;

public sealed class ToolCallTests(RandomHost random) : IClassFixture<RandomHost>
{
    private const string Hermes =
        "{{ messages[-1]['content'] }}{# tools <tool_call> #}";

    private const string Weather =
        """
        {"type":"function","function":{"name":"weather","parameters":{"type":"object",
        "properties":{"city":{"type":"string","maxLength":8},"days":{"type":"integer",
        "minimum":1,"maximum":9}},"required":["city"],"additionalProperties":false}}}
        """;

    private const string Clock = """{"type":"function","function":{"name":"clock"}}""";

    private static readonly EngineOptions Engine =
        new() { MaxModelLength = EchoServer.ContextLength };

    // Text, and what must come of it: content, then each call.
    private static readonly (string Text, string Expected)[] HermesTexts =
    [
        ("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"}\\\"{\"}}\n</tool_call>",
            "|f{\"a\": \"}\\\"{\"}"),
        ("Let me see.\n<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>",
            "Let me see.|f{}"),
        ("\n<tool_call>\n{\"arguments\": [1, {}], \"name\": \"g\"}</tool_call>\n<tool_call>\n"
            + "{\"name\": \"f\", \"arguments\": {\"é\": 1.5}, \"id\": 7}\n</tool_call>\n",
            "|g[1, {}]|f{\"é\": 1.5}"),
        ("<tool_call>{\"name\": \"f\"}</tool_call> Done.", "Done.|f{}"),
        ("<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1}\n</tool_call><tool_call>"
            + "{\"name\": \"g\", \"arguments\": 12}</tool_call>", "|f{\"a\": 1}|g12"),
        ("<tool_call>{\"name\": 1}</tool_call>", "<tool_call>{\"name\": 1}</tool_call>"),
        ("<tool_call> no <tool_cal", "<tool_call> no <tool_cal"),
        ("a < b <tool", "a < b <tool"),
        ("<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": [1", "|f{\"a\": [1"),
        ("text with spaces  ", "text with spaces  "),
        ("", ""),
    ];

    [Fact]
    public async Task Hermes_AnyCut_SameCallsWholeAndStreamed()
    {
        var model = new ScriptedModel { Template = Hermes };
        var scripts = new List<(string Cue, string Expected, int Seed)>();
        for (var seed = 0; seed < 200; seed++)
        {
            var (text, expected) = HermesTexts[seed % HermesTexts.Length];
            scripts.Add((model.AddScript(Cut(text, new Random(seed))), expected, seed));
        }
        await using var host = await EchoHost.StartAsync(Engine, null, model);

        foreach (var (cue, expected, seed) in scripts)
        {
            var fields = Fields(cue, $"\"tools\":[{Weather}]");
            var whole = Whole(await host.PostAsync("/v1/chat/completions", fields + "}"));
            var stream = Stream(await host.PostAsync(
                "/v1/chat/completions", fields + ",\"stream\":true}"));

            Assert.True(
                expected == whole && whole == stream, $"{seed}: {expected}\n{whole}\n{stream}");
        }
    }

    [Theory]
    [InlineData(
        ToolCallSyntax.Llama3Json,
        "{\"name\": \"f\", \"parameters\": {\"a\": 1}}; {\"name\": \"g\", \"parameters\": {}}",
        "|f{\"a\": 1}|g{}")]
    [InlineData(ToolCallSyntax.Llama3Json, "{\"a\": 1} is an object", "{\"a\": 1} is an object")]
    [InlineData(ToolCallSyntax.Llama3Json, "Hello {", "Hello {")]
    [InlineData(
        ToolCallSyntax.Mistral,
        "[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {\"a\": []}}, {\"name\": \"g\"}]",
        "|f{\"a\": []}|g{}")]
    [InlineData(ToolCallSyntax.Mistral, "[1, 2]", "[1, 2]")]
    public async Task Family_ItsForm_IsUnderstood(
        ToolCallSyntax syntax, string text, string expected)
    {
        var model = new ScriptedModel { ToolCalls = syntax };
        var cues = Enumerable.Range(0, 20)
            .Select(seed => model.AddScript(Cut(text, new Random(seed)))).ToArray();
        await using var host = await EchoHost.StartAsync(Engine, null, model);

        foreach (var cue in cues)
        {
            var answer = await host.PostAsync(
                "/v1/chat/completions", Fields(cue, $"\"tools\":[{Weather}]") + "}");
            Assert.Equal(expected, Whole(answer));
        }
    }

    [Fact]
    public async Task ParallelToolCalls_False_KeepsTheFirst()
    {
        var model = new ScriptedModel { Template = Hermes };
        var cue = model.AddScript(
        [
            "<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>",
            "<tool_call>{\"name\": \"g\", \"arguments\": {}}</tool_call>",
        ]);
        await using var host = await EchoHost.StartAsync(Engine, null, model);
        var answer = await host.PostAsync("/v1/chat/completions", Fields(
            cue, $"\"tools\":[{Weather}],\"parallel_tool_calls\":false") + "}");

        Assert.Equal("|f{}", Whole(answer));
    }

    [Fact]
    public async Task Reasoning_ThenACall_AreToldApart()
    {
        var model = new ScriptedModel { Template = Hermes, Reasoning = ReasoningMode.Think };
        var cue = model.AddScript(
            ["<think>", "call f", "</think>\n\n", "<tool_call>", "{\"name\": \"f\"}</tool_call>"]);
        await using var host = await EchoHost.StartAsync(Engine, null, model);
        var answer = await host.PostAsync(
            "/v1/chat/completions", Fields(cue, $"\"tools\":[{Weather}]") + "}");
        var message = answer.Choice(0).GetProperty("message");

        Assert.Equal("|f{}", Whole(answer));
        Assert.Equal("call f", message.GetProperty("reasoning_content").GetString());
    }

    [Theory]
    [InlineData("auto", "told")]
    [InlineData("none", "not told")]
    public async Task Template_SeesToolsAndPastCallsAsObjects(string choice, string expected)
    {
        var model = new ScriptedModel
        {
            ToolCalls = ToolCallSyntax.Hermes,
            Template = "{% if tools %}{{ tools[0].function.name }}{% else %}none{% endif %}"
                + "{{ messages[1].tool_calls[0].function.arguments.city }}",
        };
        model.AddScript(["told"], cue: "weatherOslo");
        model.AddScript(["not told"], cue: "noneOslo");
        await using var host = await EchoHost.StartAsync(Engine, null, model);
        var answer = await host.PostAsync("/v1/chat/completions", $$"""
            {"messages":[{"role":"user","content":"x"},
            {"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function",
            "function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"} }]},
            {"role":"tool","tool_call_id":"1","content":"rain"}],
            "tools":[{{Weather}}],"tool_choice":"{{choice}}"}
            """);

        Assert.True(answer.Status == 200, answer.Text);
        Assert.Equal(expected, answer.FirstText);
    }

    [Theory]
    [InlineData("\"required\"", true)]
    [InlineData("\"required\"", false)]
    [InlineData("""{"type":"function","function":{"name":"weather"}}""", true)]
    public async Task EnforcedChoice_RandomLogits_CallsAreValid(string choice, bool parallel)
    {
        using var schema = JsonDocument.Parse(Weather);
        var parameters = schema.RootElement.GetProperty("function").GetProperty("parameters");
        var ended = 0;
        for (var seed = 0; seed < 40; seed++)
        {
            var answer = await random.ChatAsync(
                $$"""
                "tools":[{{Weather}},{{Clock}}],"tool_choice":{{choice}},"seed":{{seed}},
                "parallel_tool_calls":{{(parallel ? "true" : "false")}},"max_tokens":450
                """);
            Assert.True(answer.Status == 200, answer.Text);
            if (answer.Choice(0).GetProperty("finish_reason").GetString() == "length")
            {
                continue;
            }
            ended++;
            var message = answer.Choice(0).GetProperty("message");
            var calls = message.GetProperty("tool_calls").EnumerateArray().ToArray();
            Assert.Equal("tool_calls", answer.Choice(0).GetProperty("finish_reason").GetString());
            Assert.Equal(JsonValueKind.Null, message.GetProperty("content").ValueKind);
            Assert.InRange(calls.Length, 1, parallel && choice[0] == '"' ? 32 : 1);
            foreach (var call in calls.Select(static call => call.GetProperty("function")))
            {
                var text = call.GetProperty("arguments").GetString()!;
                using var arguments = JsonDocument.Parse(text);
                var isValid = call.GetProperty("name").GetString() == "weather"
                    ? new SchemaValidator(parameters).IsValid(arguments.RootElement)
                    : arguments.RootElement.GetPropertyCount() == 0 && choice[0] == '"';
                Assert.True(isValid, call.GetRawText());
            }
        }
        Assert.InRange(ended, 30, 40);
    }

    [Theory]
    [InlineData("\"tools\":{}", "tools")]
    [InlineData("\"tools\":[{\"type\":\"code_interpreter\"}]", "tools[0].type")]
    [InlineData("\"tools\":[{\"type\":\"function\"}]", "tools[0]")]
    [InlineData(
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a b\"}}]",
        "tools[0].function.name")]
    [InlineData(
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\",\"parameters\":[]}}]",
        "tools[0].function.parameters")]
    [InlineData("\"tool_choice\":\"required\"", "tool_choice")]
    [InlineData("\"tool_choice\":\"some\"", "tool_choice")]
    [InlineData("\"tools\":[CLOCK,CLOCK]", "tools")]
    [InlineData(
        "\"tools\":[CLOCK],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"x\"}}",
        "tool_choice")]
    [InlineData("\"tools\":[CLOCK]", "tools")] // the random model's template knows none
    [InlineData(
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\","
            + "\"parameters\":{\"not\":{}}}}],\"tool_choice\":\"required\"",
        "tools")]
    [InlineData("\"functions\":[{\"name\":\"f\"}]", "functions")]
    [InlineData("\"function_call\":\"auto\"", "function_call")]
    public async Task Tools_ThatCannotBeTaken_AreRefused(string fields, string param)
    {
        var answer = await random.ChatAsync(fields.Replace("CLOCK", Clock));

        Assert.Equal(400, answer.Status);
        Assert.Equal(param, answer.Param);
    }

    [Theory]
    [InlineData("""{"name":"f","arguments":"[1]"}""")]
    [InlineData("""{"name":"f","arguments":"{"}""")]
    [InlineData("""{"name":"f","arguments":{}}""")]
    [InlineData("""{"arguments":"{}"}""")]
    public async Task PastCall_WithBadArguments_IsRefused(string function)
    {
        var answer = await random.PostAsync("/v1/chat/completions",
            "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\",\"function\":"
            + function + "}]},{\"role\":\"user\",\"content\":\"x\"}]}");

        Assert.Equal(400, answer.Status);
        Assert.StartsWith("messages[0].tool_calls[0].function", answer.Param);
    }

    private static string Fields(string content, string more) =>
        $$"""
        {"messages":[{"role":"user","content":{{JsonSerializer.Serialize(content)}}}],{{more}}
        """;

    private static IEnumerable<string> Cut(string text, Random random)
    {
        while (text.Length > 0)
        {
            var length = random.Next(1, Math.Min(text.Length, 12) + 1);
            yield return text[..length];
            text = text[length..];
        }
    }

    private static string Whole(Answer answer)
    {
        Assert.True(answer.Status == 200, answer.Text);
        var message = answer.Choice(0).GetProperty("message");
        var text = new StringBuilder(message.GetProperty("content").GetString());
        if (message.TryGetProperty("tool_calls", out var calls))
        {
            Assert.NotEqual("", message.GetProperty("content").GetString());
            foreach (var call in calls.EnumerateArray())
            {
                Assert.Equal("function", call.GetProperty("type").GetString());
                Assert.True(call.GetProperty("id").GetString()!.Length >= 9);
                var function = call.GetProperty("function");
                text.Append('|').Append(function.GetProperty("name").GetString())
                    .Append(function.GetProperty("arguments").GetString());
            }
            var reason = answer.Choice(0).GetProperty("finish_reason").GetString();
            Assert.Equal("tool_calls", reason);
        }
        return text.ToString();
    }

    private static string Stream(Answer answer)
    {
        var content = new StringBuilder();
        var calls = new List<string>();
        foreach (var e in answer.Events)
        {
            var delta = e.GetProperty("choices")[0].GetProperty("delta");
            content.Append(delta.TryGetProperty("content", out var c) ? c.GetString() : "");
            if (!delta.TryGetProperty("tool_calls", out var parts))
            {
                continue;
            }
            var part = parts[0];
            var function = part.GetProperty("function");
            var arguments = function.GetProperty("arguments").GetString();
            if (function.TryGetProperty("name", out var name))
            {
                Assert.Equal("", arguments);
                Assert.Equal(calls.Count, part.GetProperty("index").GetInt32());
                Assert.Equal("function", part.GetProperty("type").GetString());
                calls.Add("|" + name.GetString());
            }
            calls[part.GetProperty("index").GetInt32()] += arguments;
        }
        return content + string.Concat(calls);
    }
}
