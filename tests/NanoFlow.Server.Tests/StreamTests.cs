using System.Text;
using System.Text.Json;

namespace NanoFlow.Server.Tests;

public sealed class StreamTests(EchoServer server) : IClassFixture<EchoServer>
{
    [Fact]
    public async Task Stream_Chat_KeepsTheOrderOfTheContract()
    {
        var answer = await server.ChatAsync(
            "\"max_tokens\":3,\"stream\":true,\"stream_options\":{\"include_usage\":true}");
        var events = answer.Events;

        Assert.Equal("text/event-stream; charset=utf-8", answer.ContentType);
        Assert.Equal("no-cache", answer.Headers["Cache-Control"]);
        Assert.Equal("no", answer.Headers["X-Accel-Buffering"]);
        Assert.EndsWith("\n\ndata: [DONE]\n\n", answer.Text);
        Assert.Equal("assistant", Delta(events[0]).GetProperty("role").GetString());
        Assert.Equal("", Delta(events[0]).GetProperty("content").GetString());
        Assert.All(
            events.Skip(1).Take(3),
            e => Assert.NotEmpty(Delta(e).GetProperty("content").GetString()!));
        Assert.Empty(Delta(events[4]).EnumerateObject());
        Assert.Equal("length", Choice(events[4]).GetProperty("finish_reason").GetString());
        Assert.Equal(0, events[5].GetProperty("choices").GetArrayLength());
        Assert.Equal(
            3, events[5].GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.Equal(6, events.Count);
    }

    [Fact]
    public async Task Stream_Chunks_ShareIdTimeAndModel()
    {
        var answer = await server.ChatAsync("\"max_tokens\":3,\"stream\":true,\"n\":2");
        var events = answer.Events;

        Assert.Single(events.Select(e => e.GetProperty("id").GetString()).Distinct());
        Assert.Single(events.Select(e => e.GetProperty("created").GetInt64()).Distinct());
        Assert.All(
            events,
            e => Assert.Equal("chat.completion.chunk", e.GetProperty("object").GetString()));
        Assert.All(events, e => Assert.False(e.TryGetProperty("usage", out _)));
    }

    [Fact]
    public async Task Stream_SeveralChoices_EachHasOneRoleAndOneEnd()
    {
        var answer = await server.ChatAsync("\"max_tokens\":3,\"stream\":true,\"n\":3");
        var choices = answer.Events.Select(Choice).ToArray();

        foreach (var index in Enumerable.Range(0, 3))
        {
            var own = choices.Where(c => c.GetProperty("index").GetInt32() == index).ToArray();
            Assert.True(own[0].GetProperty("delta").TryGetProperty("role", out _));
            Assert.Single(own, c => c.GetProperty("delta").TryGetProperty("role", out _));
            Assert.Single(own, c => c.GetProperty("finish_reason").ValueKind != JsonValueKind.Null);
            Assert.Equal("length", own[^1].GetProperty("finish_reason").GetString());
        }
    }

    [Fact]
    public async Task Stream_IncludeUsage_IsNullUntilTheLastChunk()
    {
        var answer = await server.CompleteAsync(
            "\"prompt\":\"a\",\"max_tokens\":3,\"stream\":true,"
            + "\"stream_options\":{\"include_usage\":true}");
        var usages = answer.Events.Select(e => e.GetProperty("usage").ValueKind).ToArray();

        Assert.All(usages[..^1], kind => Assert.Equal(JsonValueKind.Null, kind));
        Assert.Equal(JsonValueKind.Object, usages[^1]);
    }

    [Fact]
    public async Task Stream_ContinuousUsage_CountsUpwards()
    {
        var answer = await server.CompleteAsync(
            "\"prompt\":\"a\",\"max_tokens\":4,\"stream\":true,"
            + "\"stream_options\":{\"include_usage\":true,\"continuous_usage_stats\":true}");
        var counts = answer.Events
            .Select(e => e.GetProperty("usage").GetProperty("completion_tokens").GetInt32())
            .ToArray();

        Assert.Equal(counts.Order(), counts);
        Assert.Equal(4, counts[^1]);
    }

    // The text of a stream is the text of the whole answer, whatever ends it.
    [Theory]
    [InlineData("\"prompt\":\"a\",\"max_tokens\":30")]
    [InlineData("\"prompt\":\"a\",\"max_tokens\":30,\"stop\":\"xyz\"")]
    [InlineData("\"prompt\":\"a\",\"max_tokens\":22,\"stop\":\"wxyz\"")]
    [InlineData("\"prompt\":\"a\",\"max_tokens\":30,\"stop\":[\"q\",\"pqr\"]")]
    [InlineData(
        "\"prompt\":\"a\",\"max_tokens\":30,\"stop\":\"m\",\"include_stop_str_in_output\":true")]
    [InlineData("\"prompt\":[120],\"max_tokens\":150")]
    [InlineData("\"prompt\":[190],\"max_tokens\":20,\"echo\":true")]
    [InlineData("\"prompt\":\"\\ud83d\\ude00\",\"max_tokens\":9,\"echo\":true")]
    public async Task Stream_Joined_EqualsTheWholeText(string fields)
    {
        var whole = await server.CompleteAsync(fields);
        var stream = await server.CompleteAsync(fields + ",\"stream\":true");
        var joined = new StringBuilder();
        foreach (var e in stream.Events)
        {
            joined.Append(Choice(e).GetProperty("text").GetString());
        }

        Assert.Equal(whole.FirstText, joined.ToString());
        Assert.Equal(
            whole.Choice(0).GetProperty("finish_reason").GetString(),
            Choice(stream.Events[^1]).GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Stream_LogProbs_AreThoseOfTheWholeAnswer()
    {
        const string Fields =
            "\"max_tokens\":6,\"logprobs\":true,\"top_logprobs\":2,\"stop\":\"zzz\"";
        var whole = await server.ChatAsync(Fields);
        var stream = await server.ChatAsync(Fields + ",\"stream\":true");
        var streamed = stream.Events.Select(e => Choice(e).GetProperty("logprobs"))
            .Where(logProbs => logProbs.ValueKind == JsonValueKind.Object)
            .SelectMany(logProbs => logProbs.GetProperty("content").EnumerateArray());

        Assert.Equal(
            whole.Choice(0).GetProperty("logprobs").GetProperty("content").EnumerateArray()
                .Select(token => token.GetRawText()),
            streamed.Select(token => token.GetRawText()));
    }

    [Fact]
    public async Task Stream_BadRequest_IsAnOrdinaryError()
    {
        var answer = await server.CompleteAsync("\"prompt\":\"a\",\"stream\":true,\"n\":0");

        Assert.Equal(400, answer.Status);
        Assert.Equal("application/json", answer.ContentType);
        Assert.Equal("n", answer.Param);
    }

    [Fact]
    public async Task Stream_OptionsWithoutStream_AreRefused()
    {
        var answer = await server.CompleteAsync(
            "\"prompt\":\"a\",\"stream_options\":{\"include_usage\":true}");

        Assert.Equal(400, answer.Status);
        Assert.Equal("stream_options", answer.Param);
    }

    private static JsonElement Choice(JsonElement chunk) => chunk.GetProperty("choices")[0];

    private static JsonElement Delta(JsonElement chunk) => Choice(chunk).GetProperty("delta");
}
