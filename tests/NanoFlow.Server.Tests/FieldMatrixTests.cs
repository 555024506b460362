// Every request field at and beyond its borders, on real sockets. A row says for each column what
// is sent and whether it is taken (200) or refused (400); the refusal must name the field. The
// expectations are written out here and not read from the server's own table. A value that is no
// JSON at all cannot name a field.

using System.Text.Json;

namespace NanoFlow.Server.Tests;

public sealed class FieldMatrixTests(EchoServer server, ITestOutputHelper output)
    : IClassFixture<EchoServer>
{
    private const int LeastFields = 45;
    private const int ColumnCount = 8;

    private static readonly string Long = JsonSerializer.Serialize(new string('x', 100_000));

    // A number beyond every type, and beyond double.
    private const string Huge = "400 1e999";

    private enum Api
    {
        Both,
        Completions,
        Chat,
    }

    // In the order of the columns: below the least, least, most, above it, another type, null, NaN,
    // huge.
    private sealed record Row(
        string Field,
        Api Api,
        string Below,
        string Least,
        string Most,
        string Above,
        string Other,
        string Null = "200 null",
        string NaN = "400 NaN",
        string Huge = Huge)
    {
        /// <summary>Further fields that this one needs.</summary>
        public string Beside { get; init; } = "";

        public string[] Cells => [Below, Least, Most, Above, Other, Null, NaN, Huge];
    }

    private static Row Flag(string field, Api api = Api.Both) => new(
        field, api, "400 -1", "200 false", "200 true", "400 2", "400 \"true\"");

    private static Row Label(string field) => new(
        field, Api.Both, "400 -1", "200 \"\"", $"200 {Long}", "400 [\"a\"]", "400 {}");

    // Not there: everything that asks for it is refused, what says "none" is taken.
    private static Row Absent(string field, string none, string asked, Api api = Api.Both) => new(
        field, api, "400 -1", $"200 {none}", $"400 {asked}", "400 1", "400 true");

    private static readonly Row[] Rows =
    [
        new("model", Api.Both, "404 \"\"", "200 \"echo\"", "200 \"org/echo\"", "404 \"echo2\"",
            "400 1", Huge: $"404 {Long}"),
        new("temperature", Api.Both, "400 -0.001", "200 0", "200 2", "400 2.001", "400 \"1\""),
        new("top_p", Api.Both, "400 0", "200 0.0001", "200 1", "400 1.001", "400 \"1\""),
        new("min_p", Api.Both, "400 -0.001", "200 0", "200 1", "400 1.001", "400 [0]"),
        new("top_k", Api.Both, "400 -2", "200 -1", "200 4194304", "400 4194305", "400 1.5"),
        new("n", Api.Both, "400 0", "200 1", "200 16", "400 17", "400 true"),
        new("max_tokens", Api.Both, "400 0", "200 1", "200 32", "400 2147483648", "400 \"1\""),
        new("min_tokens", Api.Both, "400 -1", "200 0", "200 2", "400 3", "400 0.5"),
        new("seed", Api.Both, "400 -9223372036854775809", "200 -9223372036854775808",
            "200 9223372036854775807", "400 9223372036854775808", "400 \"1\""),
        new("presence_penalty", Api.Both, "400 -2.001", "200 -2", "200 2", "400 2.001",
            "400 {}"),
        new("frequency_penalty", Api.Both, "400 -2.001", "200 -2", "200 2", "400 2.001",
            "400 []"),
        new("repetition_penalty", Api.Both, "400 0.009", "200 0.01", "200 100", "400 100.1",
            "400 \"1\""),
        new("stop", Api.Both, "400 \"\"", "200 []", $"200 [{Many("\"s\"", 16)}]",
            $"400 [{Many("\"s\"", 17)}]", "400 1", Huge: $"400 {Long}"),
        new("stop_token_ids", Api.Both, "400 [-1]", "200 [0]", "200 [1023]", "400 [1024]",
            "400 [\"1\"]", Huge: $"400 [{Many("1", 65)}]"),
        new("logit_bias", Api.Both, "400 {\"-1\":0}", "200 {\"0\":-100}", "200 {\"1023\":100}",
            "400 {\"1024\":0}", "400 []", Huge: "400 {\"1\":1e999}"),
        new("prompt_logprobs", Api.Both, "400 -1", "200 0", "200 20", "400 21", "400 true"),
        Flag("ignore_eos"),
        Flag("include_stop_str_in_output"),
        Flag("skip_special_tokens"),
        Flag("spaces_between_special_tokens"),
        Flag("add_special_tokens"),
        Flag("return_token_ids"),
        Flag("return_tokens_as_token_ids"),
        Flag("stream"),
        new("stream_options", Api.Both, "400 []", "200 {}",
            "200 {\"include_usage\":true,\"continuous_usage_stats\":true}", "400 1",
            "400 \"x\"") { Beside = "\"stream\":true," },
        new("truncate_prompt_tokens", Api.Both, "400 -2", "200 -1", "200 2147483647",
            "400 2147483648", "400 \"1\""),
        new("truncation_side", Api.Both, "400 \"\"", "200 \"left\"", "200 \"right\"",
            "400 \"top\"", "400 1", Huge: $"400 {Long}"),
        new("priority", Api.Both, "400 -2147483649", "200 -2147483648", "200 2147483647",
            "400 2147483648", "400 \"1\""),
        Label("user"),
        Label("safety_identifier"),
        Label("prompt_cache_key"),
        Label("cache_salt"),
        new("metadata", Api.Both, "400 []", "200 {}", "200 {\"a\":\"b\"}", "400 1", "400 \"a\"",
            Huge: $"200 {{\"a\":{Long}}}"),
        Flag("store"),
        new("service_tier", Api.Both, "400 \"\"", "200 \"auto\"", "200 \"priority\"",
            "400 \"gold\"", "400 1", Huge: $"400 {Long}"),
        new("best_of", Api.Both, "400 0", "200 1", "400 2", "400 20", "400 \"1\""),
        new("response_format", Api.Both, "400 1", "200 {\"type\":\"text\"}",
            "400 {}", "400 []", "400 \"text\""),
        Absent("tools", "[]", "{}"),
        Absent("tool_choice", "\"none\"", "[1]"),
        Absent("functions", "[]", "[{\"name\":\"f\"}]"),
        Absent("function_call", "\"none\"", "\"auto\""),
        Absent("suffix", "\"\"", "\"x\""),
        Absent("bad_words", "[]", "[\"x\"]"),
        Absent("allowed_token_ids", "[]", "[1]"),
        Absent("use_beam_search", "false", "\"yes\""),
        Absent("logits_processors", "[]", "[\"x\"]"),
        Absent("prompt_embeds", "\"\"", "\"AAAA\""),
        Absent("chat_template", "\"\"", "\"{{ x }}\""),
        Absent("audio", "{}", "{\"voice\":\"x\"}"),
        Absent("web_search_options", "{}", "{\"a\":1}"),

        new("prompt", Api.Completions, "400 \"\"", "200 \"a\"", $"200 [{Many("\"a\"", 128)}]",
            $"400 [{Many("\"a\"", 129)}]", "400 {}", "400 null", Huge: $"400 {Long}"),
        new("logprobs", Api.Completions, "400 -1", "200 0", "200 20", "400 21", "400 true"),
        Flag("echo", Api.Completions),

        new("messages", Api.Chat, "400 []", $"200 [{Message("a")}]",
            $"200 [{Many(Message("a"), 8)}]", "400 {}", "400 \"a\"", "400 null",
            Huge: $"400 [{Many(Message("a"), 1000)}]"),
        Flag("logprobs", Api.Chat),
        new("top_logprobs", Api.Chat, "400 -1", "200 0", "200 20", "400 21", "400 true")
            { Beside = "\"logprobs\":true," },
        new("max_completion_tokens", Api.Chat, "400 0", "200 1", "200 32", "400 2147483648",
            "400 \"1\""),
        Flag("add_generation_prompt", Api.Chat),
        new("continue_final_message", Api.Chat, "400 -1", "200 false", "400 true", "400 2",
            "400 \"true\""),
        new("chat_template_kwargs", Api.Chat, "400 []", "200 {}", $"200 {Variables(64)}",
            $"400 {Variables(65)}", "400 \"a\"", Huge: "400 {\"messages\":[]}"),
        new("documents", Api.Chat, "400 {}", "200 []", $"200 [{Many("{}", 256)}]",
            $"400 [{Many("{}", 257)}]", "400 [1]"),
        new("reasoning_effort", Api.Chat, "400 \"\"", "200 \"none\"", "200 \"max\"",
            "400 \"most\"", "400 1", Huge: $"400 {Long}"),
    ];

    public static TheoryData<bool, string, int> Cases()
    {
        var data = new TheoryData<bool, string, int>();
        foreach (var (isChat, row) in Asked())
        {
            for (var column = 0; column < ColumnCount; column++)
            {
                data.Add(isChat, row.Field, column);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Field_InAColumn_IsTakenOrRefusedAsTabled(
        bool isChat, string field, int column)
    {
        var row = Asked().Single(asked => asked.IsChat == isChat && asked.Row.Field == field).Row;
        var status = int.Parse(row.Cells[column][..3]);
        var value = row.Cells[column][4..];

        var answer = await server.PostAsync(
            isChat ? "/v1/chat/completions" : "/v1/completions", Body(isChat, row, value));

        Assert.True(status == answer.Status, $"{answer.Status}: {answer.Text}");
        if (status != 200)
        {
            Assert.Equal(value == "NaN" ? null : field, answer.Param);
        }
    }

    [Fact]
    public void Table_Fields_AreManyAndNamedOnce()
    {
        var asked = Asked().ToArray();
        var fields = asked.Select(one => one.Row.Field).Distinct().Count();
        output.WriteLine(
            $"{fields} fields, {asked.Length} with their API, {asked.Length * ColumnCount} bodies");

        Assert.True(fields >= LeastFields);
        Assert.Equal(asked.Length, asked.DistinctBy(one => (one.IsChat, one.Row.Field)).Count());
    }

    private static IEnumerable<(bool IsChat, Row Row)> Asked() =>
        from row in Rows
        from isChat in new[] { false, true }
        where row.Api == Api.Both || isChat == (row.Api == Api.Chat)
        select (isChat, row);

    // Short answers, unless their length is what is asked about.
    private static string Body(bool isChat, Row row, string value)
    {
        var prompt = isChat ? ("messages", $"[{Message("a")}]") : ("prompt", "\"a\"");
        (string Name, string Value)[] usual = [prompt, ("max_tokens", "2")];
        var others = usual.Where(one => one.Name != row.Field)
            .Select(one => $"\"{one.Name}\":{one.Value},");
        return $"{{{string.Concat(others)}{row.Beside}\"{row.Field}\":{value}}}";
    }

    private static string Many(string item, int count) =>
        string.Join(',', Enumerable.Repeat(item, count));

    private static string Variables(int count) =>
        "{" + string.Join(',', Enumerable.Range(0, count).Select(i => $"\"v{i}\":1")) + "}";

    private static string Message(string content) =>
        $$"""{"role":"user","content":"{{content}}"}""";
}
