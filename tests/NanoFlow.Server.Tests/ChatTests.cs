namespace NanoFlow.Server.Tests;

public sealed class ChatTests(EchoServer server) : IClassFixture<EchoServer>
{
    [Fact]
    public async Task Chat_Message_IsAnswered()
    {
        var answer = await server.ChatAsync("\"max_tokens\":3");
        var message = answer.Choice(0).GetProperty("message");

        Assert.Equal(200, answer.Status);
        Assert.StartsWith("chatcmpl-", answer.Json.GetProperty("id").GetString());
        Assert.Equal("chat.completion", answer.Json.GetProperty("object").GetString());
        Assert.Equal("assistant", message.GetProperty("role").GetString());
        Assert.Equal(3, answer.FirstText!.Length);
        Assert.False(message.TryGetProperty("tool_calls", out _));
        Assert.Equal("length", answer.Choice(0).GetProperty("finish_reason").GetString());
        Assert.Equal(
            System.Text.Json.JsonValueKind.Null,
            answer.Choice(0).GetProperty("logprobs").ValueKind);
    }

    [Fact]
    public async Task Chat_NoMaxTokens_FillsTheContext()
    {
        var answer = await server.ChatAsync("\"ignore_eos\":true");
        var usage = answer.Json.GetProperty("usage");

        Assert.Equal(
            EchoServer.ContextLength, usage.GetProperty("total_tokens").GetInt32());
    }

    [Fact]
    public async Task Chat_TextParts_AreJoined()
    {
        var whole = await server.PostAsync("/tokenize", Conversation("\"ab\""));
        var parts = await server.PostAsync("/tokenize", Conversation(
            """[{"type":"text","text":"a"},{"type":"text","text":"b"}]"""));

        Assert.Equal(200, whole.Status);
        Assert.Equal(whole.Text, parts.Text);
    }

    [Theory]
    [InlineData("system")]
    [InlineData("developer")]
    [InlineData("user")]
    [InlineData("assistant")]
    [InlineData("tool")]
    public async Task Chat_KnownRole_IsAccepted(string role)
    {
        var answer = await server.PostAsync(
            "/v1/chat/completions",
            $$"""{"messages":[{"role":"{{role}}","content":"x"}],"max_tokens":1}""");

        Assert.Equal(200, answer.Status);
    }

    [Theory]
    [InlineData("\"messages\":[]", "messages")]
    [InlineData("\"messages\":\"hi\"", "messages")]
    [InlineData("\"messages\":[1]", "messages[0]")]
    [InlineData("\"messages\":[{\"content\":\"x\"}]", "messages[0].role")]
    [InlineData("\"messages\":[{\"role\":\"king\",\"content\":\"x\"}]", "messages[0].role")]
    [InlineData("\"messages\":[{\"role\":\"user\"}]", "messages[0].content")]
    [InlineData("\"messages\":[{\"role\":\"user\",\"content\":5}]", "messages[0].content")]
    [InlineData(
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]",
        "messages[0].content")]
    [InlineData(
        "\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{}]}]",
        "messages[0].tool_calls[0]")]
    [InlineData("\"max_tokens\":1", "messages")]
    public async Task Chat_BadMessages_AreRefusedByName(string fields, string param)
    {
        var answer = await server.PostAsync("/v1/chat/completions", $"{{{fields}}}");

        Assert.Equal(400, answer.Status);
        Assert.Equal(param, answer.Param);
    }

    [Fact]
    public async Task Chat_LogProbs_CarryBytesAndAlternatives()
    {
        var answer = await server.ChatAsync(
            "\"max_tokens\":2,\"logprobs\":true,\"top_logprobs\":3");
        var content = answer.Choice(0).GetProperty("logprobs").GetProperty("content");

        Assert.Equal(2, content.GetArrayLength());
        foreach (var token in content.EnumerateArray())
        {
            var text = token.GetProperty("token").GetString()!;
            Assert.Equal(
                System.Text.Encoding.UTF8.GetBytes(text),
                token.GetProperty("bytes").EnumerateArray().Select(b => b.GetByte()));
            Assert.Equal(3, token.GetProperty("top_logprobs").GetArrayLength());
        }
    }

    [Fact]
    public async Task Chat_SeveralChoices_AreNumbered()
    {
        var answer = await server.ChatAsync("\"max_tokens\":2,\"n\":3");

        Assert.Equal(
            [0, 1, 2],
            answer.Json.GetProperty("choices").EnumerateArray()
                .Select(choice => choice.GetProperty("index").GetInt32()));
    }

    [Fact]
    public async Task Chat_MaxCompletionTokens_IsTheSameLimit()
    {
        var answer = await server.ChatAsync("\"max_completion_tokens\":4");

        Assert.Equal(
            4, answer.Json.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    private static string Conversation(string content) =>
        $$"""{"messages":[{"role":"user","content":{{content}}}]}""";
}
