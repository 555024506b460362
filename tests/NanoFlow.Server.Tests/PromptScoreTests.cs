using System.Text.Json;

namespace NanoFlow.Server.Tests;

// The engine counts upwards: the token after 97 is 98, with probability 1.
public sealed class PromptScoreTests(EchoServer server) : IClassFixture<EchoServer>
{
    private const float Impossible = -9999;

    [Fact]
    public async Task Echo_LogProbs_StartWithThoseOfThePrompt()
    {
        var answer = await server.CompleteAsync(
            "\"prompt\":[97,98,120],\"max_tokens\":2,\"echo\":true,\"logprobs\":1");

        Assert.Equal("abxyz", answer.FirstText);
        var logProbs = answer.Choice(0).GetProperty("logprobs");
        Assert.Equal(["a", "b", "x", "y", "z"], Texts(logProbs.GetProperty("tokens")));
        Assert.Equal(
            [null, 0, Impossible, 0, 0], Numbers(logProbs.GetProperty("token_logprobs")));
        Assert.Equal([0, 1, 2, 3, 4], Numbers(logProbs.GetProperty("text_offset")));
        var top = logProbs.GetProperty("top_logprobs");
        Assert.Equal(JsonValueKind.Null, top[0].ValueKind);
        Assert.Equal("""{"c":0,"x":-9999}""", top[2].GetRawText());
    }

    [Theory]
    [InlineData(",\"logprobs\":2", 3)]
    [InlineData("", 0)]
    public async Task Echo_NoNewTokens_IsThePromptAlone(string logProbs, int scored)
    {
        var answer = await server.CompleteAsync(
            $"\"prompt\":[97,98,99],\"max_tokens\":0,\"echo\":true{logProbs}");

        Assert.Equal("abc", answer.FirstText);
        Assert.Equal("length", answer.Choice(0).GetProperty("finish_reason").GetString());
        var usage = answer.Json.GetProperty("usage");
        Assert.Equal(0, usage.GetProperty("completion_tokens").GetInt32());
        var value = answer.Choice(0).GetProperty("logprobs");
        var count = scored == 0 ? 0 : value.GetProperty("tokens").GetArrayLength();
        Assert.Equal(scored, count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    public async Task Echo_LogProbsStreamed_AreThoseOfTheWholeAnswer(int maxTokens)
    {
        var fields = $"\"prompt\":[[97,98,120],[99]],\"n\":2,\"max_tokens\":{maxTokens},"
            + "\"echo\":true,\"logprobs\":1";
        var whole = await server.CompleteAsync(fields);
        var stream = await server.CompleteAsync(fields + ",\"stream\":true");

        for (var index = 0; index < 4; index++)
        {
            var parts = stream.Events.Select(e => e.GetProperty("choices")[0])
                .Where(choice => choice.GetProperty("index").GetInt32() == index).ToArray();
            var expected = whole.Choice(index);
            Assert.Equal(
                expected.GetProperty("text").GetString(),
                string.Concat(parts.Select(part => part.GetProperty("text").GetString())));
            foreach (var list in new[] { "tokens", "token_logprobs", "text_offset" })
            {
                var streamed = parts.Select(part => part.GetProperty("logprobs"))
                    .Where(part => part.ValueKind == JsonValueKind.Object)
                    .SelectMany(part => part.GetProperty(list).EnumerateArray());
                Assert.Equal(
                    expected.GetProperty("logprobs").GetProperty(list).EnumerateArray()
                        .Select(item => item.GetRawText()),
                    streamed.Select(item => item.GetRawText()));
            }
        }
    }

    [Fact]
    public async Task PromptLogProbs_Completion_AreInTheChoice()
    {
        var answer = await server.CompleteAsync(
            "\"prompt\":[97,98,120],\"max_tokens\":1,\"prompt_logprobs\":2");

        Assert.Equal(
            """[null,{"98":{"logprob":0,"rank":1,"decoded_token":"b"}},"""
            + """{"120":{"logprob":-9999,"decoded_token":"x"},"""
            + "\"99\":{\"logprob\":0,\"rank\":1,\"decoded_token\":\"c\"}}]",
            answer.Choice(0).GetProperty("prompt_logprobs").GetRawText());
        Assert.Equal("y", answer.FirstText);
        Assert.Equal(JsonValueKind.Null, answer.Choice(0).GetProperty("logprobs").ValueKind);
    }

    [Fact]
    public async Task PromptLogProbs_Chat_AreAtTheTop()
    {
        var answer = await server.ChatAsync("\"max_tokens\":1,\"prompt_logprobs\":0");

        var prompt = answer.Json.GetProperty("usage").GetProperty("prompt_tokens").GetInt32();
        var scores = answer.Json.GetProperty("prompt_logprobs");
        Assert.Equal(prompt, scores.GetArrayLength());
        Assert.Equal(JsonValueKind.Null, scores[0].ValueKind);
        Assert.Single(scores[1].EnumerateObject());
    }

    [Theory]
    [InlineData("\"prompt_logprobs\":-1", "an integer from 0 to 20")]
    [InlineData("\"prompt_logprobs\":1,\"stream\":true", "stream")]
    public async Task PromptLogProbs_NotAvailable_IsRefused(string fields, string message)
    {
        foreach (var answer in new[]
        {
            await server.CompleteAsync("\"prompt\":\"a\"," + fields),
            await server.ChatAsync(fields),
        })
        {
            Assert.Equal(400, answer.Status);
            Assert.Equal("prompt_logprobs", answer.Param);
            var told = answer.Error.GetProperty("message").GetString()!;
            Assert.Contains(message, told, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task MaxTokens_ZeroWithoutEcho_IsRefused()
    {
        var answer = await server.CompleteAsync("\"prompt\":\"a\",\"max_tokens\":0");

        Assert.Equal(400, answer.Status);
        Assert.Equal("max_tokens", answer.Param);
    }

    private static IEnumerable<string?> Texts(JsonElement list) =>
        list.EnumerateArray().Select(item => item.GetString());

    private static IEnumerable<float?> Numbers(JsonElement list) => list.EnumerateArray()
        .Select(item => item.ValueKind == JsonValueKind.Null ? (float?)null : item.GetSingle());
}
