// /v1/messages on the wire: its own errors, its own key header, what is refused. How the official
// client reads it is among the cases of tests/clients.

using System.Text.Json;

namespace NanoFlow.Server.Tests;

public sealed class MessagesTests(EchoServer server) : IClassFixture<EchoServer>
{
    private const string Path = "/v1/messages";
    private const string Said = "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]";

    [Fact]
    public async Task Message_Whole_HasItsFields()
    {
        var answer = await PostAsync($"\"max_tokens\":3,{Said}");
        var json = answer.Json;

        Assert.Equal(200, answer.Status);
        Assert.Equal("message", json.GetProperty("type").GetString());
        Assert.Equal("text", json.GetProperty("content")[0].GetProperty("type").GetString());
        Assert.Equal("max_tokens", json.GetProperty("stop_reason").GetString());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("stop_sequence").ValueKind);
        Assert.Equal(3, json.GetProperty("usage").GetProperty("output_tokens").GetInt32());
        Assert.Equal(answer.Headers["x-request-id"], answer.Headers["request-id"]);
    }

    [Fact]
    public async Task Message_Stream_NamesEveryEventAsItsDataDoes()
    {
        var answer = await PostAsync($"\"max_tokens\":3,\"stream\":true,{Said}");
        var parts = answer.Text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal("event: message_start", parts[0].Split('\n')[0]);
        Assert.All(parts, part =>
        {
            var lines = part.Split('\n');
            var json = JsonDocument.Parse(lines[1]["data: ".Length..]).RootElement;
            Assert.Equal(2, lines.Length);
            Assert.Equal("event: " + json.GetProperty("type").GetString(), lines[0]);
        });
    }

    [Theory]
    [InlineData(Said, "'max_tokens' is missing")]
    [InlineData("\"max_tokens\":0," + Said, "'max_tokens' must be an integer from 1")]
    [InlineData("\"max_tokens\":300," + Said, "context is 256 tokens")]
    [InlineData("\"max_tokens\":1", "'messages' must be a non-empty list")]
    [InlineData("\"max_tokens\":1,\"messages\":[]", "'messages' must be a non-empty list")]
    [InlineData("\"max_tokens\":1,\"n\":2," + Said, "'n' must be 1 here")]
    [InlineData("\"max_tokens\":1,\"system\":7," + Said, "'system' must be a string")]
    [InlineData(
        "\"max_tokens\":1,\"messages\":[{\"role\":\"system\",\"content\":\"a\"}]",
        "'messages[0].role' must be one of user, assistant")]
    [InlineData("\"max_tokens\":1,\"stop_sequences\":[7]," + Said, "'stop_sequences' must be")]
    [InlineData(
        "\"max_tokens\":1,\"stop_sequences\":[\"\"]," + Said, "a string of 'stop_sequences'")]
    [InlineData("\"max_tokens\":1,\"tools\":[{\"name\":\"f\"}]," + Said, "knows no tools")]
    [InlineData(
        "\"max_tokens\":1,\"tools\":[{\"type\":\"bash_1\",\"name\":\"f\"}]," + Said,
        "'tools[0]' must be of type function")]
    [InlineData("\"max_tokens\":1,\"tool_choice\":{\"type\":\"x\"}," + Said, "must be one of")]
    [InlineData(
        "\"max_tokens\":1,\"tool_choice\":{\"type\":\"any\"}," + Said, "'tools' is empty")]
    [InlineData("\"max_tokens\":1,\"thinking\":{\"type\":\"x\"}," + Said, "'thinking.type'")]
    [InlineData(
        "\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\"}]}]",
        "'messages[0].content[0]' is of type 'image'")]
    [InlineData(
        "\"max_tokens\":1,\"messages\":[{\"role\":\"assistant\",\"content\":"
        + "[{\"type\":\"tool_use\"}]}]",
        "no name of a function")]
    [InlineData(
        "\"max_tokens\":1,\"messages\":[{\"role\":\"assistant\",\"content\":"
        + "[{\"type\":\"image\"}]}]",
        "'messages[0].content[0]' is of type 'image'")]
    public async Task Request_Wrong_IsRefusedInAnthropicsForm(string fields, string message)
    {
        var answer = await PostAsync(fields);

        Assert.Equal(400, answer.Status);
        Assert.Equal("error", answer.Json.GetProperty("type").GetString());
        Assert.Equal("invalid_request_error", answer.Error.GetProperty("type").GetString());
        Assert.Contains(message, answer.Error.GetProperty("message").GetString());
    }

    [Theory]
    [InlineData("/v1/messages/batches", 404, "not_found_error")]
    [InlineData("/v1/messages", 405, "invalid_request_error")]
    public async Task Path_OrMethodWrong_IsRefusedInAnthropicsForm(
        string path, int status, string type)
    {
        using var response = await server.Client.GetAsync(path);
        var answer = await Answer.ReadAsync(response);

        Assert.Equal(status, answer.Status);
        Assert.Equal(type, answer.Error.GetProperty("type").GetString());
    }

    [Theory]
    [InlineData("/v1/messages", "right", 400)]
    [InlineData("/v1/messages", "wrong", 401)]
    [InlineData("/v1/messages/count_tokens", "right", 400)]
    [InlineData("/v1/responses", "right", 401)]
    [InlineData("/v1/messagesx", "right", 401)]
    public async Task Key_OfAnthropicsHeader_CountsOnItsPathsOnly(
        string path, string key, int status)
    {
        var guarded = await server.StartAsync(new ServerOptions { ApiKeys = ["right"] });
        using var client = EchoServer.ClientOf(guarded);
        using var content = EchoHost.Json("{}");
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        request.Headers.TryAddWithoutValidation("x-api-key", key);
        using var response = await client.SendAsync(request);

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task Turns_OfOneRole_AreOneTurn()
    {
        var joined = await CountAsync("""[{"role":"user","content":"a\n\nb"}]""");
        var blocks = await CountAsync(
            """
            [{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]
            """);
        var apart = await CountAsync(
            """[{"role":"user","content":"a"},{"role":"user","content":"b"}]""");

        Assert.Equal(joined, blocks);
        Assert.Equal(joined, apart);
    }

    [Fact]
    public async Task Thoughts_OfAnEarlierAnswer_MayBeSentBack()
    {
        var answer = await PostAsync(
            """
            "max_tokens":1,"thinking":{"type":"disabled"},"messages":[
            {"role":"user","content":"a"},
            {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":""},
            {"type":"text","text":"b"}]},
            {"role":"user","content":"c"}]
            """);

        Assert.Equal(200, answer.Status);
    }

    private async Task<int> CountAsync(string messages)
    {
        var answer = await server.PostAsync(
            "/v1/messages/count_tokens", $"{{\"model\":\"echo\",\"messages\":{messages}}}");
        Assert.Equal(200, answer.Status);
        return answer.Json.GetProperty("input_tokens").GetInt32();
    }

    private Task<Answer> PostAsync(string fields) =>
        server.PostAsync(Path, $"{{\"model\":\"echo\",{fields}}}");
}
