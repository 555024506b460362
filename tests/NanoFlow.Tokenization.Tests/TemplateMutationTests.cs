// Damaged chat templates with ordinary and odd conversations: each renders or is refused with the
// one exception that callers know. A fixed clock leaves it to the other limits to stop what would
// run away.

using System.Text.Json;

namespace NanoFlow.Tokenization.Tests;

public sealed class TemplateMutationTests
{
    private const int Mutations = 4_000;
    private const int LargeMutations = 20_000;

    private static readonly string[] Fragments =
    [
        "{{", "}}", "{%", "%}", "{%-", "-%}", "{#", "#}", "{% for m in messages %}",
        "{% endfor %}", "{% if m %}", "{% else %}", "{% elif x %}", "{% endif %}",
        "{% set ns = namespace(a=[1], s='x') %}", "{% set ns.a = ns.a + ns.a %}",
        "{% macro f(x) %}",
        "{% endmacro %}", "{{ f(f) }}", "{% break %}", "{% continue %}", "loop.index0", "loop.last",
        "messages", "tools", "bos_token", "m['content']", "m.role", "[::-1]", "[1:]", "[-1]",
        "[99999999999]", " | ", "tojson", "trim", "length", "items", "selectattr('role')",
        "join(', ')", "replace('a', 'aa')", "indent(999999999)", "default(none)", " is ", "not ",
        "defined", "string", "mapping", "none", "true", " and ", " or ", " in ", " ~ ", " + ",
        " * ", " ** ", " % ", " // ", "0", "-1", "1e309", "9223372036854775807", "'", "\"", "\\",
        "(", ")", "[", "]", "{", "}", ":", ",", ".", "=", "raise_exception('no')",
        "strftime_now('%Y')", "range(1000000000)", "range(100)", "'x' * 1000000000", "\ud83d\ude00",
        "\ud800", "\u0000", "\n",
    ];

    private static readonly string[] Conversations =
    [
        "[]",
        """[{"role":"user","content":"Hi"}]""",
        """
        [{"role":"system","content":"Be brief."},{"role":"user","content":"\ud83d\ude00 x"},
         {"role":"assistant","content":"a","tool_calls":[{"type":"function","id":"c",
          "function":{"name":"f","arguments":{"a":[1,2.5,null]}}}]},
         {"role":"tool","content":"7","tool_call_id":"c"}]
        """,
        """[{"role":7,"content":null},{"content":[{"type":"text","text":"p"}]},[],0,"x"]""",
    ];

    public static TheoryData<string> Templates =>
    [
        .. Directory
            .GetFiles(GoldenFolder.Path, "chat_template.jinja", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(GoldenFolder.Path, file)),
        "made up",
    ];

    [Theory]
    [MemberData(nameof(Templates))]
    public void Template_Mutated_RendersOrIsRefused(string file)
    {
        var valid = file == "made up"
            ? MadeUp
            : File.ReadAllText(Path.Combine(GoldenFolder.Path, file));
        var mutation = new TextMutation(file.Length, Fragments);
        var conversations = Array.ConvertAll(Conversations, json => JsonDocument.Parse(json));
        var refused = 0;
        var rendered = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var template = mutation.Next(valid);
            try
            {
                Render(template, conversations[round % conversations.Length]);
                rendered++;
            }
            catch (ChatTemplateException e)
            {
                refused++;
                Assert.DoesNotContain('\n', e.Message);
            }
            catch (Exception e)
            {
                Assert.Fail($"round {round}: {e.GetType().Name} {e.Message} from:\n{template}");
            }
        }

        Assert.InRange(refused, Rounds / 20, Rounds);
        Assert.InRange(rendered, Rounds / 50, Rounds);
    }

    private static int Rounds =>
        Environment.GetEnvironmentVariable("NANOFLOW_TEST_SCALE") == "large"
            ? LargeMutations : Mutations;

    private const string MadeUp =
        """
        {%- macro show(value, depth=0) -%}
          {%- if value is mapping -%}
            {%- for k, v in value | items -%}{{ k }}={{ show(v, depth + 1) }}{%- endfor -%}
          {%- elif value is iterable and value is not string -%}
            {%- for v in value -%}{{ show(v, depth + 1) }}{% if not loop.last %},{% endif %}
            {%- endfor -%}
          {%- else -%}{{ value | string | trim }}{%- endif -%}
        {%- endmacro -%}
        {%- set ns = namespace(system='', seen=[]) -%}
        {%- for message in messages if message.role is defined -%}
          {%- if loop.first and message.role == 'system' -%}
            {%- set ns.system = message['content'] -%}
          {%- else -%}
            {%- set ns.seen = ns.seen + [message.role | string] -%}
            <|{{ message.role }}|>{{ show(message.content) }}
            {%- if message.tool_calls -%}{{ message.tool_calls | tojson(indent=2) }}{%- endif -%}
          {%- endif -%}
        {%- endfor -%}
        {{ ns.seen[::-1] | join('/') }}{{ ns.system.split(' ')[-1] | default('none', true) }}
        {%- if add_generation_prompt %}<|assistant|>{% endif -%}
        """;

    private static void Render(string template, JsonDocument messages) =>
        ChatTemplate.Parse(template).Render(new ChatTemplateInput
        {
            Messages = messages.RootElement,
            BosToken = "<s>",
            Clock = new FixedClock(),
            Limits = new ChatTemplateLimits { Nodes = 50_000, OutputCharacters = 1 << 20 },
        });
}
