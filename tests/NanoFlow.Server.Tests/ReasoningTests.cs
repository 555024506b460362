// Thoughts and answer are told apart whatever the tokens are cut like, and the same in a stream as
// in a whole answer.

using System.Text;
using System.Text.Json;
using NanoFlow.Engine;

namespace NanoFlow.Server.Tests;

public sealed class ReasoningTests
{
    private const int Seeds = 300;

    // Marks, parts of marks, and what may stand around them.
    private static readonly string[] Words =
    [
        "<think>", "</think>", "<", "</", "/think>", "</thin", "<think", ">", "a", "because ",
        " ", "\n", "\u00e9", "\u65e5\u672c", "k>",
    ];

    private static readonly EngineOptions Engine =
        new() { MaxModelLength = EchoServer.ContextLength };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Answer_AnyCut_IsSplitAlikeWholeAndStreamed(bool isOpen)
    {
        var model = new ScriptedModel { Reasoning = ReasoningMode.Think };
        var scripts = Enumerable.Range(0, Seeds).Select(seed =>
        {
            var random = new Random(seed);
            var text = RandomText(random);
            return (Text: text, Cue: model.AddScript(Cut(text, random)));
        }).ToArray();
        await using var host = await EchoHost.StartAsync(Engine, null, model);

        for (var seed = 0; seed < Seeds; seed++)
        {
            var (reasoning, content) = Expected(scripts[seed].Text, isOpen);
            var fields = isOpen
                ? Fields("<think>" + scripts[seed].Cue, "\"continue_final_message\":true")
                : Fields(scripts[seed].Cue, "\"n\":1");
            var whole = await WholeAsync(host, fields);
            var stream = await StreamAsync(host, fields);

            Assert.True(
                (reasoning, content) == whole && whole == stream,
                $"seed {seed}: {scripts[seed].Text}\nwhole {whole}, stream {stream}");
        }
    }

    [Fact]
    public async Task Answer_TemplateOpensTheThoughts_StartsInThem()
    {
        var model = new ScriptedModel
        {
            Template = "x{% if add_generation_prompt %}<think>\n{% endif %}{# </think> #}",
        };
        model.AddScript(["hm", "</th", "ink>", "yes"], cue: "<think>\n");
        await using var host = await EchoHost.StartAsync(Engine, null, model);

        Assert.Equal(("hm", "yes"), await WholeAsync(host, Fields("x", "\"n\":1")));
    }

    [Fact]
    public async Task Answer_MarksAreSpecialTokens_AreSeenAllTheSame()
    {
        var model = new ScriptedModel();
        model.AddWord("@go@", special: false);
        model.AddWord("<think>", special: true);
        model.AddWord("hm", special: false);
        model.AddWord("</think>", special: true);
        model.AddScript(["!"], cue: "yes");
        await using var host = await EchoHost.StartAsync(Engine, null, model);

        Assert.Equal(("hm", "yes!"), await WholeAsync(host, Fields("@go@", "\"n\":1")));
    }

    [Theory]
    [InlineData(ReasoningMode.Auto)]
    [InlineData(ReasoningMode.None)]
    public async Task Answer_ModelWithoutMarks_IsLeftAlone(ReasoningMode mode)
    {
        var model = new ScriptedModel { Reasoning = mode };
        var cue = model.AddScript(["<think>", "hm</think>yes"]);
        await using var host = await EchoHost.StartAsync(Engine, null, model);

        Assert.Equal(
            ("", "<think>hm</think>yes"), await WholeAsync(host, Fields(cue, "\"n\":1")));
    }

    [Fact]
    public async Task Answer_ThoughtsOnly_HasNoContent()
    {
        var model = new ScriptedModel { Reasoning = ReasoningMode.Think };
        var cue = model.AddScript(["<think>", "hm", "</thi"]);
        await using var host = await EchoHost.StartAsync(Engine, null, model);

        var answer = await host.PostAsync("/v1/chat/completions", Fields(cue, "\"n\":1}"));
        var message = answer.Choice(0).GetProperty("message");

        Assert.Equal(JsonValueKind.Null, message.GetProperty("content").ValueKind);
        Assert.Equal("hm</thi", message.GetProperty("reasoning_content").GetString());
    }

    private static string RandomText(Random random)
    {
        var text = new StringBuilder(random.Next(3) == 0 ? "" : "<think>");
        for (var count = random.Next(8); count > 0; count--)
        {
            text.Append(Words[random.Next(Words.Length)]);
        }

        return text.ToString();
    }

    private static IEnumerable<string> Cut(string text, Random random)
    {
        while (text.Length > 0)
        {
            var length = random.Next(1, Math.Min(text.Length, 9) + 1);
            yield return text[..length];
            text = text[length..];
        }
    }

    // The rule, said about the text as a whole.
    private static (string Reasoning, string Content) Expected(string text, bool isOpen)
    {
        var visible = text.TrimStart(' ', '\n');
        if (!isOpen && !visible.StartsWith("<think>", StringComparison.Ordinal))
        {
            return ("", text);
        }

        var body = isOpen ? text : visible["<think>".Length..];
        var end = body.IndexOf("</think>", StringComparison.Ordinal);
        return end < 0 ? (body, "") : (body[..end], body[(end + "</think>".Length)..]);
    }

    private static string Fields(string content, string more) =>
        $$"""
        {"messages":[{"role":"assistant","content":{{JsonSerializer.Serialize(content)}}}],
        {{more}}
        """;

    private static async Task<(string Reasoning, string Content)> WholeAsync(
        EchoHost host, string fields)
    {
        var answer = await host.PostAsync("/v1/chat/completions", fields + "}");
        Assert.True(answer.Status == 200, answer.Text);
        return Texts(answer.Choice(0).GetProperty("message"));
    }

    private static async Task<(string Reasoning, string Content)> StreamAsync(
        EchoHost host, string fields)
    {
        var answer = await host.PostAsync("/v1/chat/completions", fields + ",\"stream\":true}");
        var (reasoning, content) = ("", "");
        foreach (var e in answer.Events)
        {
            var delta = Texts(e.GetProperty("choices")[0].GetProperty("delta"));
            reasoning += delta.Reasoning;
            content += delta.Content;
        }

        return (reasoning, content);
    }

    private static (string Reasoning, string Content) Texts(JsonElement message) =>
        (Text(message, "reasoning_content"), Text(message, "content"));

    private static string Text(JsonElement message, string name) =>
        message.TryGetProperty(name, out var text) ? text.GetString() ?? "" : "";
}
