using System.Diagnostics;
using System.Text;
using NanoFlow.Benchmarks;

namespace NanoFlow.Tests;

public sealed class CompletionStreamTests
{
    private const string Done = "data: [DONE]\n\n";
    private const string Usage =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5}}\n\n";

    private static readonly long Millisecond = Stopwatch.Frequency / 1000;

    [Fact]
    public void Answer_TextsAtTimes_HasTheirLatencies()
    {
        var stream = new CompletionStream(1, 10, sent: 1);
        Feed(stream, Text(""), 5);
        Feed(stream, Text("a b"), 20);
        Feed(stream, Text("c") + Text("d"), 50);
        Feed(stream, Text("", "\"length\"") + Usage + Done, 60);

        var answer = stream.ToAnswer();

        Assert.Equal((7, 5), (answer.InputTokens, answer.OutputTokens));
        Assert.Equal(20, answer.FirstTokenMs, 6);
        Assert.Equal(60, answer.EndMs, 6);
        Assert.Equal([30f, 0f], answer.GapsMs);
        Assert.Equal(10, Assert.Single(LatencyMetric.TimePerOutputToken.Samples(answer)), 6);
    }

    // Bytes come in pieces that have nothing to do with events.
    [Fact]
    public void Answer_BytesInAnyPieces_IsTheSame()
    {
        var text = ": keep-alive\r\n\r\n" + Text("a").Replace("\n", "\r\n") + Text("\u00fc\\n")
            + "event: x\ndata:{\"usage\":null,\"more\":[{\"text\":\"no\"}]}\n" + Usage + Done;
        for (var size = 1; size <= text.Length; size++)
        {
            var stream = new CompletionStream(1, 10, sent: 1);
            foreach (var piece in Encoding.UTF8.GetBytes(text).Chunk(size))
            {
                Feed(stream, piece, 3);
            }
            var answer = stream.ToAnswer();
            Assert.Equal((7, 5, 1), (answer.InputTokens, answer.OutputTokens,
                answer.GapsMs.Count));
        }
    }

    [Fact]
    public void Answer_NoUsage_CountsPiecesOfText()
    {
        var answer = Read(Text("a") + Text("") + Text("b") + Done);

        Assert.Equal((3, 2), (answer.InputTokens, answer.OutputTokens));
    }

    [Fact]
    public void Answer_TokensWithoutText_BeginsWithTheFirstPiece()
    {
        var stream = new CompletionStream(3, 10, sent: 1);
        Feed(stream, Text(""), 8);
        Feed(stream, Usage + Done, 9);

        Assert.Equal(8, stream.ToAnswer().FirstTokenMs, 6);
    }

    [Theory]
    [InlineData("", "the stream was cut")]
    [InlineData("data: [DON", "the stream was cut")]
    [InlineData(Done, "no tokens")]
    [InlineData(Usage, "the stream was cut")]
    [InlineData("data: {\"choices\":[{\"te\n\n", "an event is no completion: {\"choices\"")]
    [InlineData("data: garbage\n\n", "an event is no completion: garbage")]
    [InlineData("data: [1]\n\n", "an event is no completion: [1]")]
    [InlineData("data: {\"choices\":3}\n\n", "an event is no completion")]
    [InlineData("data: {\"usage\":[]}\n\n", "an event is no completion")]
    [InlineData("data: {\"usage\":{\"completion_tokens\":11}}\n\n", "is not 0 to 10")]
    [InlineData("data: {\"usage\":{\"completion_tokens\":-1}}\n\n", "is not 0 to 10")]
    [InlineData("data: {\"usage\":{\"prompt_tokens\":99999999999}}\n\n", "usage.prompt_tokens")]
    [InlineData("data: {\"usage\":{\"prompt_tokens\":\"7\"}}\n\n", "an event is no completion")]
    [InlineData("data: {\"error\":{\"message\":\"out of\\npages\"}}\n\n", "out of pages")]
    public void Answer_BadStream_SaysWhy(string text, string says) =>
        Assert.Contains(says, Assert.Throws<RequestFailure>(() => Read(text)).Message);

    [Fact]
    public void Answer_NullErrorAndChoices_AreNone() =>
        Assert.Equal(1, Read("data: {\"error\":null,\"choices\":null}\n" + Text("a") + Done)
            .OutputTokens);

    [Fact]
    public void Stream_LineWithoutEnd_IsRefused()
    {
        var stream = new CompletionStream(1, 1, sent: 1);
        var bytes = new byte[4096];

        var refused = Assert.Throws<RequestFailure>(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                Feed(stream, bytes, 1);
            }
        });

        Assert.Contains("more than 1048576 bytes", refused.Message);
    }

    // Without usage, pieces of text are what is counted.
    [Fact]
    public void Answer_MoreTextsThanTokens_IsRefused()
    {
        var text = string.Concat(Enumerable.Repeat(Text("a"), 12)) + Done;
        Assert.Contains("12 pieces", Assert.Throws<RequestFailure>(() => Read(text)).Message);
    }

    [Fact]
    public void Stream_EventFullOfTexts_IsRefused()
    {
        var choices = string.Join(',', Enumerable.Repeat("{\"text\":\"a\"}", 5000));
        Assert.Contains(
            "pieces of text",
            Assert.Throws<RequestFailure>(
                () => Read($"data: {{\"choices\":[{choices}]}}\n\n")).Message);
    }

    [Fact]
    public void Stream_EndlessEvents_AreRefused()
    {
        var text = string.Concat(Enumerable.Repeat("data: {}\n", 5000));

        Assert.Contains("4107 events", Assert.Throws<RequestFailure>(() => Read(text)).Message);
    }

    private static Answer Read(string text)
    {
        var stream = new CompletionStream(3, 10, sent: 1);
        Feed(stream, text, 2);
        return stream.ToAnswer();
    }

    private static void Feed(CompletionStream stream, string text, int ms) =>
        Feed(stream, Encoding.UTF8.GetBytes(text), ms);

    private static void Feed(CompletionStream stream, ReadOnlyMemory<byte> bytes, int ms)
    {
        while (bytes.Length > 0)
        {
            var room = stream.Room();
            var count = Math.Min(room.Length, bytes.Length);
            bytes[..count].CopyTo(room);
            stream.Take(count, 1 + (ms * Millisecond));
            bytes = bytes[count..];
        }
    }

    private static string Text(string text, string reason = "null") =>
        $"data: {{\"id\":\"x\",\"choices\":[{{\"index\":0,\"text\":\"{text}\",\"logprobs\":null,"
        + $"\"finish_reason\":{reason}}}],\"usage\":null}}\n\n";
}
