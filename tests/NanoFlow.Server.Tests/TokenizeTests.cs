namespace NanoFlow.Server.Tests;

public sealed class TokenizeTests(EchoServer server) : IClassFixture<EchoServer>
{
    [Theory]
    [InlineData("", "256,97,98")]
    [InlineData(",\"add_special_tokens\":true", "256,97,98")]
    [InlineData(",\"add_special_tokens\":false", "97,98")]
    public async Task Tokenize_Prompt_GivesItsTokens(string option, string tokens)
    {
        var answer = await server.PostAsync("/tokenize", $"{{\"prompt\":\"ab\"{option}}}");

        Assert.Equal($"[{tokens}]", answer.Json.GetProperty("tokens").GetRawText());
        Assert.Equal(tokens.Split(',').Length, answer.Json.GetProperty("count").GetInt32());
        Assert.Equal(
            EchoServer.ContextLength, answer.Json.GetProperty("max_model_len").GetInt32());
    }

    [Fact]
    public async Task Tokenize_Messages_GivesThePromptOfAChat()
    {
        const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"abc\"}]";
        var tokens = await server.PostAsync("/tokenize", $"{{{Messages}}}");
        var chat = await server.ChatAsync("\"max_tokens\":1");

        Assert.Equal(
            chat.Json.GetProperty("usage").GetProperty("prompt_tokens").GetInt32(),
            tokens.Json.GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task Tokenize_WithoutGenerationPrompt_IsShorter()
    {
        const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"abc\"}]";
        var with = await server.PostAsync("/tokenize", $"{{{Messages}}}");
        var without = await server.PostAsync(
            "/tokenize", $"{{{Messages},\"add_generation_prompt\":false}}");

        Assert.True(Count(without) < Count(with));
    }

    [Fact]
    public async Task Detokenize_Tokens_GivesTheirTextBack()
    {
        var text = "Grüße, 世界 \\ud83d\\ude00";
        var tokens = await server.PostAsync(
            "/tokenize", $"{{\"prompt\":\"{text}\",\"add_special_tokens\":false}}");
        var back = await server.PostAsync(
            "/detokenize", $"{{\"tokens\":{tokens.Json.GetProperty("tokens").GetRawText()}}}");

        Assert.Equal("Grüße, 世界 😀", back.Json.GetProperty("prompt").GetString());
    }

    [Theory]
    [InlineData("/tokenize", "{}", "prompt")]
    [InlineData("/tokenize", "{\"prompt\":5}", "prompt")]
    [InlineData("/tokenize", "{\"prompt\":\"a\",\"messages\":[]}", "messages")]
    [InlineData("/tokenize", "{\"prompt\":\"a\",\"add_special_tokens\":1}", "add_special_tokens")]
    [InlineData("/detokenize", "{}", "tokens")]
    [InlineData("/detokenize", "{\"tokens\":\"1\"}", "tokens")]
    [InlineData("/detokenize", "{\"tokens\":[-1]}", "tokens")]
    [InlineData("/detokenize", "{\"tokens\":[1024]}", "tokens")]
    public async Task Tokenize_BadField_IsRefusedByName(string path, string body, string param)
    {
        var answer = await server.PostAsync(path, body);

        Assert.Equal(400, answer.Status);
        Assert.Equal(param, answer.Param);
    }

    private static int Count(Answer answer) => answer.Json.GetProperty("count").GetInt32();
}
