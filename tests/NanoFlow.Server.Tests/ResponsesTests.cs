// /v1/responses on the wire: what clients do not show, and what is refused. How the official
// clients read it is among the cases of tests/clients.

using System.Text.Json;

namespace NanoFlow.Server.Tests;

public sealed class ResponsesTests(EchoServer server) : IClassFixture<EchoServer>
{
    [Fact]
    public async Task Response_Whole_HasTheFieldsThatClientsExpect()
    {
        var answer = await PostAsync("\"input\":\"abc\",\"max_output_tokens\":3,\"top_p\":0.5");
        var json = answer.Json;
        var item = json.GetProperty("output")[0];

        Assert.Equal(200, answer.Status);
        Assert.Equal("response", json.GetProperty("object").GetString());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("error").ValueKind);
        Assert.Equal("incomplete", json.GetProperty("status").GetString());
        Assert.Equal("incomplete", item.GetProperty("status").GetString());
        Assert.Equal("message", item.GetProperty("type").GetString());
        Assert.Equal(3, item.GetProperty("content")[0].GetProperty("text").GetString()!.Length);
        Assert.Equal(0, item.GetProperty("content")[0].GetProperty("annotations").GetArrayLength());
        Assert.Equal(0, json.GetProperty("tools").GetArrayLength());
        Assert.Equal(0.5, json.GetProperty("top_p").GetDouble());
        Assert.Equal(3, json.GetProperty("max_output_tokens").GetInt32());
        Assert.Equal("{}", json.GetProperty("metadata").GetRawText());
    }

    [Theory]
    [InlineData("true")]
    [InlineData("false")]
    public async Task Response_ToBeStored_IsNotAndSaysSo(string store)
    {
        var answer = await PostAsync($"\"input\":\"a\",\"max_output_tokens\":1,\"store\":{store}");

        Assert.Equal(200, answer.Status);
        Assert.False(answer.Json.GetProperty("store").GetBoolean());
        Assert.Equal(
            store == "true", answer.Headers.GetValueOrDefault("x-ignored-params") == "store");
    }

    [Fact]
    public async Task Response_Stream_NamesEveryEventAsItsDataDoes()
    {
        var answer = await PostAsync("\"input\":\"abc\",\"max_output_tokens\":3,\"stream\":true");
        var parts = answer.Text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);

        Assert.True(parts.Length >= 9);
        foreach (var (index, part) in parts.Index())
        {
            var lines = part.Split('\n');
            var json = JsonDocument.Parse(lines[1]["data: ".Length..]).RootElement;
            Assert.Equal(2, lines.Length);
            Assert.Equal("event: " + json.GetProperty("type").GetString(), lines[0]);
            Assert.Equal(index, json.GetProperty("sequence_number").GetInt32());
        }
    }

    [Theory]
    [InlineData("\"input\":null", "input")]
    [InlineData("\"input\":7", "input")]
    [InlineData("\"input\":[]", "input")]
    [InlineData("\"input\":[{\"role\":\"user\"}]", "input[0].content")]
    [InlineData("\"input\":[{\"content\":\"a\"}]", "input[0].role")]
    [InlineData("\"input\":[{\"role\":\"tool\",\"content\":\"a\"}]", "input[0].role")]
    [InlineData("\"input\":[{\"role\":\"user\",\"content\":7}]", "input[0].content")]
    [InlineData("\"input\":[{\"type\":\"item_reference\",\"id\":\"a\"}]", "input[0].type")]
    [InlineData(
        "\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\"}]}]",
        "input[0].content[0].type")]
    [InlineData(
        "\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\"}]}]",
        "input[0].content[0].text")]
    [InlineData("\"input\":\"a\",\"max_output_tokens\":0", "max_output_tokens")]
    [InlineData("\"input\":\"a\",\"n\":2", "n")]
    [InlineData("\"input\":\"a\",\"previous_response_id\":\"r\"", "previous_response_id")]
    [InlineData("\"input\":\"a\",\"conversation\":\"c\"", "conversation")]
    [InlineData("\"input\":\"a\",\"prompt\":{\"id\":\"p\"}", "prompt")]
    [InlineData("\"input\":\"a\",\"background\":true", "background")]
    [InlineData("\"input\":\"a\",\"truncation\":\"auto\"", "truncation")]
    [InlineData("\"input\":\"a\",\"top_logprobs\":2", "top_logprobs")]
    [InlineData("\"input\":\"a\",\"include\":\"all\"", "include")]
    [InlineData(
        "\"input\":\"a\",\"include\":[\"message.output_text.logprobs\"]", "top_logprobs")]
    [InlineData("\"input\":\"a\",\"reasoning\":{\"effort\":\"huge\"}", "reasoning.effort")]
    [InlineData("\"input\":\"a\",\"metadata\":[]", "metadata")]
    [InlineData("\"input\":[{\"type\":\"function_call_output\"}]", "input[0].output")]
    [InlineData("\"input\":\"a\",\"text\":{\"format\":{}}", "text.format")]
    [InlineData(
        "\"input\":\"a\",\"text\":{\"format\":{\"type\":\"json_schema\"}}", "text.format")]
    [InlineData("\"input\":\"a\",\"tools\":7", "tools")]
    [InlineData("\"input\":\"a\",\"tools\":[{\"type\":\"web_search\"}]", "tools[0].type")]
    [InlineData("\"input\":\"a\",\"tool_choice\":\"required\"", "tool_choice")]
    [InlineData("\"input\":\"a\",\"max_output_tokens\":300", "input")]
    public async Task Request_Wrong_IsRefusedWithTheFieldsName(string fields, string param)
    {
        var answer = await PostAsync(fields);

        Assert.Equal(400, answer.Status);
        Assert.Equal(param, answer.Param);
    }

    [Fact]
    public async Task Request_WithFieldsOfNoEffect_IsAnsweredAndNamesThem()
    {
        var answer = await PostAsync(
            """
            "input":"a","max_output_tokens":1,"include":["reasoning.encrypted_content"],
            "reasoning":{"effort":"low","summary":"auto"},"text":{"format":{"type":"text"}},
            "truncation":"disabled","parallel_tool_calls":false,"user":"u"
            """);

        Assert.Equal(200, answer.Status);
        Assert.Equal("include, reasoning.summary", answer.Headers["x-ignored-params"]);
        Assert.False(answer.Json.GetProperty("parallel_tool_calls").GetBoolean());
        Assert.Equal(
            "low", answer.Json.GetProperty("reasoning").GetProperty("effort").GetString());
    }

    [Fact]
    public async Task Reasoning_OfAnEarlierAnswer_MayBeSentBack()
    {
        var answer = await PostAsync(
            """
            "max_output_tokens":1,"input":[{"role":"user","content":"a"},
            {"type":"reasoning","id":"rs_1","summary":[],"status":"completed",
            "content":[{"type":"reasoning_text","text":"hm"}]},
            {"role":"assistant","content":[{"type":"output_text","text":"b"}]},
            {"role":"user","content":"c"}]
            """);

        Assert.Equal(200, answer.Status);
    }

    private Task<Answer> PostAsync(string fields) =>
        server.PostAsync("/v1/responses", $"{{\"model\":\"echo\",{fields}}}");
}
