namespace NanoFlow.Server.Tests;

public sealed class CompletionTests(EchoServer server) : IClassFixture<EchoServer>
{
    [Fact]
    public async Task Completion_TextPrompt_ContinuesIt()
    {
        var answer = await server.CompleteAsync("\"prompt\":\"abc\",\"max_tokens\":5");

        Assert.Equal(200, answer.Status);
        Assert.Equal("application/json", answer.ContentType);
        Assert.StartsWith("cmpl-", answer.Json.GetProperty("id").GetString());
        Assert.Equal("text_completion", answer.Json.GetProperty("object").GetString());
        Assert.Equal("echo", answer.Json.GetProperty("model").GetString());
        Assert.True(answer.Json.GetProperty("created").TryGetInt64(out _));
        Assert.Equal("defgh", answer.FirstText);
        Assert.Equal("length", answer.Choice(0).GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Completion_TextPrompt_CountsTokens()
    {
        var answer = await server.CompleteAsync("\"prompt\":\"abc\",\"max_tokens\":5");
        var usage = answer.Json.GetProperty("usage");

        // The beginning-of-text token and three bytes.
        Assert.Equal(4, usage.GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(5, usage.GetProperty("completion_tokens").GetInt32());
        Assert.Equal(9, usage.GetProperty("total_tokens").GetInt32());
    }

    [Theory]
    [InlineData("[97,98]", "cde")]
    [InlineData("[[97,98]]", "cde")]
    [InlineData("[\"ab\"]", "cde")]
    [InlineData("\"ab\"", "cde")]
    public async Task Completion_EveryFormOfPrompt_IsUnderstood(string prompt, string text)
    {
        var answer = await server.CompleteAsync($"\"prompt\":{prompt},\"max_tokens\":3");

        Assert.Equal(text, answer.FirstText);
    }

    [Fact]
    public async Task Completion_SeveralPromptsAndChoices_AreNumberedPromptByPrompt()
    {
        var answer = await server.CompleteAsync(
            "\"prompt\":[\"a\",\"m\"],\"n\":2,\"max_tokens\":2");
        var choices = answer.Json.GetProperty("choices").EnumerateArray().ToArray();

        Assert.Equal([0, 1, 2, 3], choices.Select(c => c.GetProperty("index").GetInt32()));
        Assert.Equal(
            ["bc", "bc", "no", "no"], choices.Select(c => c.GetProperty("text").GetString()!));
        var usage = answer.Json.GetProperty("usage");
        Assert.Equal(4, usage.GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(8, usage.GetProperty("completion_tokens").GetInt32());
    }

    [Fact]
    public async Task Completion_NoMaxTokens_StopsAtSixteen()
    {
        var answer = await server.CompleteAsync("\"prompt\":\"A\"");

        Assert.Equal("BCDEFGHIJKLMNOPQ", answer.FirstText);
    }

    [Fact]
    public async Task Completion_StopString_EndsBeforeIt()
    {
        var answer = await server.CompleteAsync(
            "\"prompt\":\"a\",\"max_tokens\":20,\"stop\":[\"zz\",\"gh\"]");

        Assert.Equal("bcdef", answer.FirstText);
        Assert.Equal("stop", answer.Choice(0).GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Completion_IncludeStopString_EndsAfterIt()
    {
        var answer = await server.CompleteAsync(
            "\"prompt\":\"a\",\"max_tokens\":20,\"stop\":\"gh\","
            + "\"include_stop_str_in_output\":true");

        Assert.Equal("bcdefgh", answer.FirstText);
    }

    [Fact]
    public async Task Completion_StopTokenId_EndsAndCountsIt()
    {
        var answer = await server.CompleteAsync(
            "\"prompt\":\"a\",\"max_tokens\":20,\"stop_token_ids\":[100]");

        Assert.Equal("bc", answer.FirstText);
        Assert.Equal("stop", answer.Choice(0).GetProperty("finish_reason").GetString());
        var usage = answer.Json.GetProperty("usage");
        Assert.Equal(3, usage.GetProperty("completion_tokens").GetInt32());
    }

    [Fact]
    public async Task Completion_EndToken_EndsUnlessIgnored()
    {
        var ended = await server.CompleteAsync("\"prompt\":[255],\"max_tokens\":6");
        var ignored = await server.CompleteAsync(
            "\"prompt\":[255],\"max_tokens\":6,\"ignore_eos\":true");

        Assert.Equal("stop", ended.Choice(0).GetProperty("finish_reason").GetString());
        Assert.Equal(
            2, ended.Json.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.Equal("length", ignored.Choice(0).GetProperty("finish_reason").GetString());
        Assert.Equal(" t261", ignored.FirstText);
    }

    [Fact]
    public async Task Completion_MinTokens_OutlivesTheEndToken()
    {
        var answer = await server.CompleteAsync(
            "\"prompt\":[255],\"max_tokens\":8,\"min_tokens\":5");

        Assert.Equal("length", answer.Choice(0).GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Completion_Echo_RepeatsThePrompt()
    {
        var text = await server.CompleteAsync("\"prompt\":\"abc\",\"max_tokens\":2,\"echo\":true");
        var ids = await server.CompleteAsync("\"prompt\":[97],\"max_tokens\":2,\"echo\":true");

        Assert.Equal("abcde", text.FirstText);
        Assert.Equal("abc", ids.FirstText);
    }

    [Fact]
    public async Task Completion_LogProbs_DescribeEveryToken()
    {
        var answer = await server.CompleteAsync(
            "\"prompt\":\"a\",\"max_tokens\":3,\"logprobs\":2");
        var logProbs = answer.Choice(0).GetProperty("logprobs");

        Assert.Equal(["b", "c", "d"], Strings(logProbs.GetProperty("tokens")));
        Assert.Equal(
            [0, 1, 2],
            logProbs.GetProperty("text_offset").EnumerateArray().Select(o => o.GetInt32()));
        Assert.All(
            logProbs.GetProperty("token_logprobs").EnumerateArray(),
            value => Assert.True(value.GetDouble() <= 0));
        Assert.All(
            logProbs.GetProperty("top_logprobs").EnumerateArray(),
            top => Assert.InRange(top.EnumerateObject().Count(), 1, 3));
    }

    [Fact]
    public async Task Completion_Context_MayBeFilledToTheLastToken()
    {
        var prompt = string.Join(',', Enumerable.Repeat("97", EchoServer.ContextLength - 8));
        var fits = await server.CompleteAsync($"\"prompt\":[{prompt}],\"max_tokens\":8");
        var tooLong = await server.CompleteAsync($"\"prompt\":[{prompt}],\"max_tokens\":9");

        Assert.Equal(200, fits.Status);
        Assert.Equal(400, tooLong.Status);
        Assert.Equal("context_length_exceeded", tooLong.Code);
        Assert.Contains("248", tooLong.Error.GetProperty("message").GetString());
        Assert.Contains("256", tooLong.Error.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Completion_UnknownFields_AreListed()
    {
        var answer = await server.CompleteAsync(
            "\"prompt\":\"a\",\"max_tokens\":1,\"frobnicate\":1,\"b\\u0000d\":2");

        Assert.Equal(200, answer.Status);
        Assert.Equal("frobnicate, b?d", answer.Headers["x-ignored-params"]);
    }

    [Fact]
    public async Task Completion_SecondName_IsServedAndEchoed()
    {
        var answer = await server.PostAsync(
            "/v1/completions", """{"model":"org/echo","prompt":"a","max_tokens":1}""");

        Assert.Equal("org/echo", answer.Json.GetProperty("model").GetString());
    }

    private static IEnumerable<string> Strings(System.Text.Json.JsonElement list) =>
        list.EnumerateArray().Select(item => item.GetString()!);
}
