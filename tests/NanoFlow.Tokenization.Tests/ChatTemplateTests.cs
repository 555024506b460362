// What surrounds the template language: inputs, errors with their lines, limits, where a template
// is found, and whole published templates.

using System.Text;
using System.Text.Json;

namespace NanoFlow.Tokenization.Tests;

public sealed class ChatTemplateTests
{
    private static readonly JsonElement NoMessages = Json("[]");

    [Theory]
    [InlineData("{{ 1", 1, "not closed")]
    [InlineData("a\n{% if x %}\nb", 3, "'endif' expected")]
    [InlineData("{% endif %}", 1, "statement 'endif' is not supported")]
    [InlineData("\n\n{{ x | nofilter }}", 3, "filter 'nofilter' is not supported")]
    [InlineData("{{ x is notest }}", 1, "test 'notest' is not supported")]
    [InlineData("{% include 'x' %}", 1, "statement 'include' is not supported")]
    [InlineData("{% break %}", 1, "belong in a loop")]
    [InlineData("{{ a b }}", 1, "OutputEnd expected")]
    [InlineData("{{ 99999999999999999999 }}", 1, "too large")]
    [InlineData("{% for x y in z %}{% endfor %}", 1, "'in' expected")]
    [InlineData("{{ 'abc }}", 1, "string is not closed")]
    [InlineData("{# open", 1, "comment is not closed")]
    public void Parse_Malformed_NamesLineAndReason(string template, int line, string reason)
    {
        var error = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template));
        Assert.Equal(line, error.Line);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\n{{ raise_exception('No system role') }}", 2, "No system role")]
    [InlineData("{{ 'a' + 1 }}", 1, "'+' does not apply")]
    [InlineData("a\nb{{ missing.attribute }}", 2, "'missing' is undefined")]
    [InlineData("{{ missing() }}", 1, "cannot be called")]
    [InlineData("{{ 1 // 0 }}", 1, "division by zero")]
    [InlineData("{{ bos_token.__class__.__mro__ }}", 1, "undefined")]
    [InlineData("{{ messages.append(1) }}", 1, "cannot be called")]
    [InlineData("{{ namespace | tojson }}", 1, "no JSON form")]
    [InlineData("{% for a, b in [[1]] %}{% endfor %}", 1, "1 values for 2 names")]
    [InlineData("{{ none < 1 }}", 1, "no order")]
    [InlineData("{{ {none: 1} }}", 1, "must be strings or integers")]
    [InlineData("{% set x.y = 1 %}", 1, "'x' is not a namespace")]
    [InlineData("{{ 9223372036854775807 + 1 }}", 1, "out of range")]
    public void Render_Failing_NamesLineAndReason(string template, int line, string reason)
    {
        var error = Assert.Throws<ChatTemplateException>(() => Render(template));
        Assert.Equal(line, error.Line);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")]
    [InlineData("{% set ns = namespace(s='ab') %}{% for i in range(60) %}"
        + "{% set ns.s = ns.s ~ ns.s %}{% endfor %}")]
    [InlineData("{% set ns = namespace(l=[1]) %}{% for i in range(60) %}"
        + "{% set ns.l = ns.l + ns.l %}{% endfor %}")]
    [InlineData("{% set ns = namespace(l=[]) %}{% for i in range(50) %}"
        + "{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}")]
    [InlineData("{% set ns = namespace(a=[], b=[]) %}{% for i in range(50) %}"
        + "{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}"
        + "{{ ns.a == ns.b }}")]
    [InlineData("{% set ns = namespace(l=[]) %}{% for i in range(20000) %}"
        + "{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l | tojson }}")]
    [InlineData("{{ range(99999999999) }}")]
    [InlineData("{% set ns = namespace(s='aa') %}{% for i in range(60) %}"
        + "{% set ns.s = ns.s | replace('a', 'aaaaaaaa') %}{% endfor %}")]
    public void Render_Runaway_StopsAtALimit(string template)
    {
        Assert.Throws<ChatTemplateException>(() => Render(template));
    }

    [Fact]
    public void Render_DeepNesting_IsRefusedWithoutExhaustingTheStack()
    {
        var parentheses = "{{ " + new string('(', 100_000) + new string(')', 100_000) + " }}";
        var sums = "{{ 1" + string.Concat(Enumerable.Repeat(" + 1", 100_000)) + " }}";
        var blocks = string.Concat(Enumerable.Repeat("{% if 1 %}", 50_000));
        var filters = "{{ 1" + string.Concat(Enumerable.Repeat(" | string", 50_000)) + " }}";
        Assert.Throws<ChatTemplateException>(() => Render(parentheses));
        Assert.Throws<ChatTemplateException>(() => Render(sums));
        Assert.Throws<ChatTemplateException>(() => Render(blocks));
        Assert.Throws<ChatTemplateException>(() => Render(filters));
    }

    [Fact]
    public void Render_SlowTemplate_StopsWhenTheClockSaysSo()
    {
        var template = ChatTemplate.Parse("{% for i in range(9999) %}{{ i }}{% endfor %}");
        var clock = new FixedClock { StepPerRead = TimeSpan.FromMilliseconds(60) };
        var error = Assert.Throws<ChatTemplateException>(() => template.Render(
            new ChatTemplateInput { Messages = NoMessages, Clock = clock }));
        Assert.Contains("100 ms", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("messages")]
    [InlineData("add_generation_prompt")]
    [InlineData("bos_token")]
    public void Render_VariableHidesAnInput_IsRefused(string name)
    {
        var input = new ChatTemplateInput
        {
            Messages = NoMessages,
            Variables = new Dictionary<string, JsonElement> { [name] = NoMessages },
        };
        var template = ChatTemplate.Parse("");
        var error = Assert.Throws<ChatTemplateException>(() => template.Render(input));
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""[{"role": "user", "content": "\ud800"}]""", "not valid Unicode")]
    [InlineData("""[{"\udc00": 1}]""", "not valid Unicode")]
    [InlineData("""{"role": "user"}""", "must be an array")]
    public void Render_UnusableMessages_AreRefused(string messages, string reason)
    {
        var template = ChatTemplate.Parse("{{ messages }}");
        var input = new ChatTemplateInput { Messages = Json(messages) };
        var error = Assert.Throws<ChatTemplateException>(() => template.Render(input));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_TemplateInSeveralPlaces_TakesTheFileOverTheConfig()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            File.WriteAllText(
                Path.Combine(folder.FullName, "tokenizer_config.json"),
                """
                {"bos_token": {"content": "<s>"}, "eos_token": "</s>", "chat_template":
                 [{"name": "default", "template": "A"}, {"name": "tool_use", "template": "B"}]}
                """);
            File.WriteAllText(
                Path.Combine(folder.FullName, "generation_config.json"),
                """{"eos_token_id": [2, 5]}""");
            var config = TokenizerConfig.Load(folder.FullName);
            Assert.Equal(("<s>", "</s>"), (config.BosToken, config.EosToken));
            Assert.Equal(("A", "B"), (config.ChatTemplate, config.ChatTemplates["tool_use"]));
            Assert.Equal([2, 5], config.EosTokenIds);
            File.WriteAllText(Path.Combine(folder.FullName, "chat_template.jinja"), "C");
            Assert.Equal("C", TokenizerConfig.Load(folder.FullName).ChatTemplate);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("meta-llama-Llama-3.1-8B-Instruct.jinja")]
    [InlineData("meta-llama-Llama-3.3-70B-Instruct.jinja")]
    public void Render_PublishedLlama3Template_GivesItsPrompt(string file)
    {
        var template = ChatTemplate.Parse(File.ReadAllText(LocalData.Path("templates", file)));
        var text = template.Render(new ChatTemplateInput
        {
            Messages = Json(
                """[{"role":"system","content":" Be brief. "},{"role":"user","content":"Hi\n"}]"""),
            BosToken = "<|begin_of_text|>",
        });
        Assert.Equal(
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
            + "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
            + "Be brief.<|eot_id|>"
            + "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\n",
            text);
    }

    [Fact]
    public void Parse_AllPublishedTemplates_AreUnderstood()
    {
        var files = Directory.GetFiles(LocalData.Path("templates"), "*.jinja");
        Assert.NotEmpty(files);
        foreach (var file in files)
        {
            ChatTemplate.Parse(File.ReadAllText(file));
        }
    }

    private static string Render(string template) => ChatTemplate.Parse(template).Render(
        new ChatTemplateInput
        {
            Messages = NoMessages,
            BosToken = "<s>",
            Clock = new FixedClock(),
        });

    private static JsonElement Json(string text) =>
        JsonElement.Parse(Encoding.UTF8.GetBytes(text));
}
