// The template language, feature by feature. The expected texts were made with Jinja2 3.1.6 set up
// as Hugging Face does (trim_blocks, lstrip_blocks, loop controls, json.dumps as tojson).

using System.Text.Json;

namespace NanoFlow.Tokenization.Tests;

public sealed class ChatTemplateLanguageTests
{
    private const string Variables = """
        {"d": {"x": 1, "y": [1, 2.5, true, null, "q'\"é\n"], "z": {}}, "n": 7, "f": 0.1,
         "s": "Hello, Wörld", "e": [], "xs": [3, 1, 2, 3]}
        """;

    private const string Messages = """
        [{"role": "user", "content": " a "}, {"role": "assistant", "content": "b", "n": 3}]
        """;

    public static readonly TheoryData<string, string> Cases = new()
    {
        {
            "{{ {0: 'a', 512: 'b'}[512] }} {{ {1: 2, 'x': 3} }} {{ {1: 2} | tojson }} "
            + "{% for k, v in {10: 1, 9: 5} | dictsort %}{{ k }}={{ v }} {% endfor %}"
            + "{% for k, v in {'b': 1, 'A': 5} | dictsort %}{{ k }}={{ v }} {% endfor %}",
            "b {1: 2, 'x': 3} {\"1\": 2} 9=5 10=1 A=5 b=1 "
        },
        {
            "{{ 1 + 2 * 3 - 4 // 3 }} {{ 7 % 3 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 2 ** 10"
            + " }} {{ 7 / 2 }} {{ 4 / 2 }}",
            "6 1 -4 2 1024 3.5 2.0"
        },
        {
            "{{ 'a' ~ 1 ~ none ~ true ~ 1.5 }}",
            "a1NoneTrue1.5"
        },
        {
            "{{ d }}|{{ d.y }}|{{ d['x'] }}|{{ d.q }}|{{ d.z }}",
            "{'x': 1, 'y': [1, 2.5, True, None, 'q\\'\"é\\n'], 'z': {}}|[1, 2.5, True, "
            + "None, 'q\\'\"é\\n']|1||{}"
        },
        {
            "{{ d | tojson }}",
            "{\"x\": 1, \"y\": [1, 2.5, true, null, \"q'\\\"é\\n\"], \"z\": {}}"
        },
        {
            "{{ d | tojson(indent=2) }}",
            "{\n  \"x\": 1,\n  \"y\": [\n    1,\n    2.5,\n    true,\n    null,\n    \""
            + "q'\\\"é\\n\"\n  ],\n  \"z\": {}\n}"
        },
        {
            "{{ 1e3 if false else 1000000.0 }} {{ 0.00001 * 1 }} {{ f * 3 }} {{ 10.0 **"
            + " 16 }} {{ 10.0 ** 15 }}",
            "1000000.0 1e-05 0.30000000000000004 1e+16 1000000000000000.0"
        },
        {
            "{{ not true }} {{ not not n }} {{ true and n or 0 }} {{ e or 'empty' }} {{"
            + " none or 0 }}",
            "False True 7 empty 0"
        },
        {
            "{{ 1 < 2 < 3 }} {{ 1 < 2 > 5 }} {{ 'a' < 'b' }} {{ 1 == 1.0 }} {{ true == "
            + "1 }} {{ [1, [2]] == [1, [2]] }} {{ {'a': 1} != {'a': 2} }}",
            "True False True True True True True"
        },
        {
            "{{ 'ell' in s }} {{ 'x' in d }} {{ 9 not in xs }} {{ not 3 in xs }}",
            "True True True False"
        },
        {
            "{{ s[1:4] }} {{ s[-3:] }} {{ s[::-1] }} {{ s[::2] }} {{ xs[1:] }} {{ xs[:-"
            + "1] }} {{ xs[::-1] }} {{ xs[5:] }} {{ xs[-1] }} {{ s[0] }}",
            "ell rld dlröW ,olleH Hlo öl [1, 2, 3] [3, 1, 2] [3, 2, 1, 3] [] 3 H"
        },
        {
            "{{ s | upper }} {{ s | lower }} {{ s | length }} {{ s | replace('l', 'L') "
            + "}} {{ s.replace('l', 'L', 1) }} {{ 'hello world' | title }} {{ 'hELLO' | c"
            + "apitalize }}",
            "HELLO, WÖRLD hello, wörld 12 HeLLo, WörLd HeLlo, Wörld Hello World Hello"
        },
        {
            "[{{ '  x ' | trim }}] [{{ 'xxaxx'.strip('x') }}] [{{ ' a '.lstrip() }}] [{"
            + "{ ' a '.rstrip() }}]",
            "[x] [a] [a ] [ a]"
        },
        {
            "{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a-b-c'.split('-', 1) "
            + "}} {{ 'abc'.startswith('ab') }} {{ 'abc'.endswith(('x', 'c')) }}",
            "['a', 'b', '', 'c'] ['a', 'b'] ['a', 'b-c'] True True"
        },
        {
            "{{ xs | join(', ') }} {{ xs | join }} {{ messages | map(attribute='role') "
            + "| join('|') }} {{ xs | map('string') | list }}",
            "3, 1, 2, 3 3123 user|assistant ['3', '1', '2', '3']"
        },
        {
            "{{ xs | unique | list }} {{ xs | reject('equalto', 3) | list }} {{ xs | se"
            + "lect('gt', 1) | list }} {{ xs | first }} {{ xs | last }} {{ xs | reverse |"
            + " list }}",
            "[3, 1, 2] [1, 2] [3, 2, 3] 3 3 [3, 2, 1, 3]"
        },
        {
            "{{ messages | selectattr('role', 'equalto', 'user') | list | length }} {{ "
            + "messages | rejectattr('n', 'defined') | map(attribute='content') | list }}",
            "1 [' a ']"
        },
        {
            "{{ q | default('none given') }} {{ '' | default('x', true) }} {{ '' | defa"
            + "ult('x') }} {{ n | default(1) }} {{ q }}|{{ q is defined }} {{ q is undefi"
            + "ned }} {{ none is none }}",
            "none given x  7 |False True True"
        },
        {
            "{{ n is number }} {{ n is string }} {{ s is string }} {{ d is mapping }} {"
            + "{ xs is iterable }} {{ s is iterable }} {{ n is iterable }} {{ xs is seque"
            + "nce }} {{ true is true }} {{ 1 is true }} {{ 7 is odd }} {{ 8 is divisible"
            + "by 4 }} {{ n is eq 7 }} {{ 3 is in xs }} {{ n is not none }}",
            "True False True True True True False True True False True True True True T"
            + "rue"
        },
        {
            "{% for m in messages %}{{ loop.index }}/{{ loop.length }} {{ loop.index0 }"
            + "} {{ loop.first }} {{ loop.last }} {{ loop.revindex }} {{ m.role }};{% end"
            + "for %}",
            "1/2 0 True False 2 user;2/2 1 False True 1 assistant;"
        },
        {
            "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k in d %}{{ "
            + "k }}{% endfor %}",
            "x=1;y=[1, 2.5, True, None, 'q\\'\"é\\n'];z={};xyz"
        },
        {
            "{% for k, v in d | items %}{{ k }};{% endfor %}{{ d.keys() | list }} {{ d."
            + "get('x') }} {{ d.get('w') }} {{ d.get('w', 5) }}",
            "x;y;z;['x', 'y', 'z'] 1 None 5"
        },
        {
            "{% for x in xs if x > 1 %}{{ x }}{{ ',' if not loop.last }}{% else %}none{"
            + "% endfor %}{% for x in e %}x{% else %}empty{% endfor %}",
            "3,2,3empty"
        },
        {
            "{% for x in xs %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 2 %}{%"
            + " break %}{% endif %}{{ x }}{% endfor %}",
            "3"
        },
        {
            "{% for x in xs %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {{ loop.c"
            + "ycle('a', 'b') }};{% endfor %}",
            "<3>1 a;3<1>2 b;1<2>3 a;2<3> b;"
        },
        {
            "{% set x = 1 %}{% for i in xs %}{% set x = i %}{% endfor %}{{ x }}{% set n"
            + "s = namespace(x=1, y='a') %}{% for i in xs %}{% set ns.x = ns.x + i %}{% e"
            + "ndfor %}{{ ns.x }}{{ ns.y }}",
            "110a"
        },
        {
            "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set t %}in {{ a }}{% endset %}[{{ t "
            + "}}]{% set u | upper %}abc{% endset %}{{ u }}",
            "12[in 1]ABC"
        },
        {
            "{% macro m(a, b='B', c=none) %}{{ a }}{{ b }}{{ c }}{{ n }}{% endmacro %}{"
            + "{ m(1) }} {{ m(1, c=3) }} {{ m(b=2, a=1) }}",
            "1BNone7 1B37 12None7"
        },
        {
            "{% macro f(k) %}{% if k > 0 %}{{ k }}{{ f(k - 1) }}{% endif %}{% endmacro "
            + "%}{{ f(5) }}",
            "54321"
        },
        {
            "{% filter upper %}abc {{ s }}{% endfilter %}",
            "ABC HELLO, WÖRLD"
        },
        {
            "{% if n > 5 %}big{% elif n > 3 %}mid{% else %}small{% endif %}{% if e %}x{"
            + "% elif s %}y{% endif %}",
            "bigy"
        },
        {
            "{{ 'yes' if n == 7 else 'no' }} {{ 'yes' if n == 8 }}| {{ 'a' if false els"
            + "e 'b' if false else 'c' }}",
            "yes | c"
        },
        {
            "a\n  {% if true %}\n  b\n  {% endif %}\nc\n",
            "a\n  b\nc"
        },
        {
            "a  {%- if true -%}  b  {%- endif -%}  c",
            "abc"
        },
        {
            "  {{ 1 }}  \n  {{- 2 -}}  \n 3",
            "  123"
        },
        {
            "x {# comment #}\ny\n  {# c #}  z{#- c -#}  w",
            "x y\n  zw"
        },
        {
            "{%+ if true %} a{% endif +%}\nb",
            " a\nb"
        },
        {
            "{% raw %}{{ x }} {% if %}{% endraw %}!",
            "{{ x }} {% if %}!"
        },
        {
            "{{ \"a\\n\\t\\\"b\\\"\" }} {{ 'it\\'s' }} {{ 'a' 'b' }} {{ '{{' }} {{ '%}'"
            + " }}",
            "a\n\t\"b\" it's ab {{ %}"
        },
        {
            "{{ {'a': {'b': [1, {'c': 2}]}} | tojson }} {{ {'a': {'b': 1}}['a']['b'] }}"
            + " {{ (1, 2)[1] }} {{ [] | length }}",
            "{\"a\": {\"b\": [1, {\"c\": 2}]}} 1 2 0"
        },
        {
            "{{ range(3) | list }} {{ range(1, 7, 2) | list }} {{ range(3, 0, -1) | lis"
            + "t }} {{ dict(a=1).a }}",
            "[0, 1, 2] [1, 3, 5] [3, 2, 1] 1"
        },
        {
            "{{ strftime_now('%d %b %Y') }} {{ strftime_now('%Y-%m-%d %H:%M:%S') }} {{ "
            + "strftime_now('%B %-d, %A') }}",
            "05 Mar 2026 2026-03-05 14:07:09 March 5, Thursday"
        },
        {
            "{{ 'a\nb\n\nc' | indent(2) }}|{{ 'a\nb' | indent(3, true) }}",
            "a\n  b\n\n  c|   a\n   b"
        },
        {
            "{{ '12' | int + 1 }} {{ 'x' | int }} {{ 3.9 | int }} {{ '1.5' | float }} {"
            + "{ -3 | abs }} {{ n | string + 'x' }}",
            "13 0 3 1.5 3 7x"
        },
        {
            "{{ messages[0].content | trim + '!' }} {{ messages[-1]['role'] }} {{ messa"
            + "ges[1].n }}",
            "a! assistant 3"
        },
        {
            "{% generation %}said{% endgeneration %}",
            "said"
        },
        {
            "{% set x = [1] + [2, 3] %}{{ x }}{{ x | length }} {{ d.y[4] | tojson }} {{"
            + " 'é\u2028<>&' | tojson }}",
            "[1, 2, 3]3 \"q'\\\"é\\n\" \"é\u2028<>&\""
        },
        {
            "{%- for m in messages %}\n    {%- if m.role == 'user' %}\n        {{- '<' "
            + "+ m.content | trim + '>' }}\n    {%- endif %}\n{%- endfor %}\n",
            "<a>"
        },
        {
            "{% for a in [1, 2] %}{% for b in [1, 2] %}{{ loop.index }}{{ loop.depth }}"
            + "{% endfor %}{{ loop.index }};{% endfor %}",
            "11211;11212;"
        },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Render_Feature_GivesWhatJinjaGives(string template, string expected)
    {
        using var variables = JsonDocument.Parse(Variables);
        using var messages = JsonDocument.Parse(Messages);
        var text = ChatTemplate.Parse(template).Render(new ChatTemplateInput
        {
            Messages = messages.RootElement,
            BosToken = "<s>",
            Variables = variables.RootElement.EnumerateObject()
                .ToDictionary(static p => p.Name, static p => p.Value),
            Clock = new FixedClock(),
        });
        Assert.Equal(expected, text);
    }
}
