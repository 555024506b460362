// Streaming text: whatever the tokens and however the text is taken, the pieces joined are the
// decoded whole; stop strings are found by the rule of StopStrings; nothing is allocated.

using System.Text;

namespace NanoFlow.Tokenization.Tests;

public sealed class StreamTests
{
    // Tokens that are whole characters, halves of them, and bytes that never occur in UTF-8.
    private static readonly Tokenizer Bytes = SmallTokenizers.Parse(
        SmallTokenizers.ByteLevel(["Ã ©", "ð Ł", "ðŁ ĺ", "a b", "Ġ a"], "<s>"));

    private const int Special = 261;

    private static readonly byte[] Interesting =
    [
        (byte)'a', (byte)'b', (byte)' ', 0xC3, 0xA9, 0xE4, 0xB8, 0xAD, 0xF0, 0x9F, 0x98, 0x80,
        0xC0, 0xED, 0xA0, 0xFF, 0xF4, 0x90, 0xE0,
    ];

    [Fact]
    public void Append_RandomTokens_StreamsWhatDecodeGives()
    {
        var random = new Random(1);
        var detokenizer = new IncrementalDetokenizer(Bytes, skipSpecialTokens: true);
        for (var i = 0; i < 100_000; i++)
        {
            var ids = RandomIds(random);
            detokenizer.Reset();
            var streamed = new StringBuilder();
            foreach (var id in ids)
            {
                detokenizer.Append(id);
                streamed.Append(TakePiece(detokenizer));
            }
            detokenizer.Flush();
            streamed.Append(TakePiece(detokenizer));
            var bytes = ids.SelectMany(id => id == Special ? [] : Bytes.TokenBytes(id).ToArray());
            var expected = Encoding.UTF8.GetString([.. bytes]);
            Assert.Equal(expected, streamed.ToString());
            Assert.Equal(expected, Bytes.Decode(ids));
        }
    }

    [Theory]
    [InlineData(new[] { 0xF0, 0x9F, 0x98, 0x80 }, new[] { "", "", "", "😀" }, "")]
    [InlineData(new[] { 0xF0, 0x9F, 0x41 }, new[] { "", "", "\uFFFDA" }, "")]
    [InlineData(new[] { 0xFF, 0x41 }, new[] { "\uFFFD", "A" }, "")]
    [InlineData(new[] { 0xE4, 0xB8 }, new[] { "", "" }, "\uFFFD")]
    [InlineData(new[] { 0xC3, 0xC3, 0xA9 }, new[] { "", "\uFFFD", "é" }, "")]
    [InlineData(new[] { 0xED, 0xA0 }, new[] { "", "\uFFFD\uFFFD" }, "")]
    public void Append_Bytes_EmitsAsSoonAsTheOutcomeIsKnown(int[] ids, string[] pieces, string last)
    {
        var detokenizer = new IncrementalDetokenizer(Bytes, skipSpecialTokens: true);
        for (var i = 0; i < ids.Length; i++)
        {
            detokenizer.Append(ids[i]);
            Assert.Equal(pieces[i], TakePiece(detokenizer));
        }
        detokenizer.Flush();
        Assert.Equal(last, TakePiece(detokenizer));
    }

    [Fact]
    public void StopMatcher_RandomText_AgreesWithSearchingEveryPlace()
    {
        var random = new Random(2);
        for (var i = 0; i < 20_000; i++)
        {
            var stops = Enumerable.Range(0, random.Next(1, 5)).Select(_ => RandomText(random, 1, 5))
                .ToArray();
            var text = RandomText(random, 0, 40);
            var (start, end) = FirstStop(text, stops);
            var matcher = new StopMatcher(new StopStrings(stops));
            var bytes = Encoding.ASCII.GetBytes(text);
            for (var at = 0; at < bytes.Length;)
            {
                var count = Math.Min(random.Next(0, 4), bytes.Length - at);
                matcher.Append(bytes.AsSpan(at, count));
                at += count;
                Assert.Equal(end >= 0 && at >= end, matcher.Matched);
                if (!matcher.Matched)
                {
                    Assert.Equal(HeldBack(text[..at], stops), matcher.HeldBackBytes);
                }
            }
            Assert.Equal(end < 0 ? (0L, 0L) : (start, end), (matcher.MatchStart, matcher.MatchEnd));
            Assert.Equal(end < 0 ? null : text[(int)start..(int)end], matcher.MatchText);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TextStream_RandomTokensAndTakes_JoinsToTheCutText(bool includeStop)
    {
        var random = new Random(3);
        for (var i = 0; i < 30_000; i++)
        {
            var ids = RandomIds(random);
            string[] stops =
                [.. Enumerable.Range(0, random.Next(0, 4)).Select(_ => RandomStop(random))];
            var stream = new TextStream(Bytes, new TextStreamOptions
            {
                Stops = new StopStrings(stops),
                IncludeStop = includeStop,
            });
            var streamed = new StringBuilder();
            var stopped = false;
            foreach (var id in ids)
            {
                stopped |= stream.Append(id);
                streamed.Append(random.Next(2) == 0 ? TakePiece(stream) : "");
            }
            stopped |= stream.Finish();
            streamed.Append(TakePiece(stream));

            var whole = Bytes.Decode(ids);
            var (start, end) = FirstStop(whole, stops);
            Assert.Equal(end >= 0, stopped);
            var cut = end < 0 ? whole.Length : includeStop ? end : (int)start;
            Assert.Equal(whole[..cut], streamed.ToString());
            Assert.Equal(Encoding.UTF8.GetByteCount(streamed.ToString()), stream.TextBytes);
        }
    }

    [Fact]
    public void StopStrings_OutOfBounds_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => new StopStrings([""]));
        Assert.Throws<ArgumentException>(() => new StopStrings([new string('é', 129)]));
        Assert.Throws<ArgumentException>(() => new StopStrings([.. Enumerable.Repeat("a", 17)]));
        Assert.False(new StopStrings([new string('é', 128)]).IsEmpty);
        Assert.True(StopStrings.Empty.IsEmpty);
    }

    [Fact]
    public void TextStream_SteadyState_AllocatesNothing()
    {
        var random = new Random(4);
        int[] ids = [.. Enumerable.Range(0, 5000).SelectMany(_ => RandomIds(random))];
        var stream = new TextStream(
            Bytes, new TextStreamOptions { Stops = new StopStrings(["never there", "nor this"]) });
        Generate(stream, ids);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 5; i++)
        {
            Generate(stream, ids);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(stream.TextBytes > 10_000);
    }

    private static void Generate(TextStream stream, int[] ids)
    {
        stream.Reset();
        foreach (var id in ids)
        {
            stream.Append(id);
            stream.Take();
        }
        stream.Finish();
        stream.Take();
    }

    private static string TakePiece(IncrementalDetokenizer detokenizer)
    {
        var piece = WholeCharacters(detokenizer.Text);
        detokenizer.Discard(detokenizer.Text.Length);
        return piece;
    }

    private static string TakePiece(TextStream stream)
    {
        var piece = WholeCharacters(stream.Ready);
        stream.Take();
        return piece;
    }

    // Throws when the bytes are not complete UTF-8, so a split character cannot pass.
    private static string WholeCharacters(ReadOnlySpan<byte> utf8) =>
        new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(utf8);

    private static int[] RandomIds(Random random)
    {
        var ids = new int[random.Next(12)];
        for (var i = 0; i < ids.Length; i++)
        {
            ids[i] = random.Next(4) == 0
                ? 256 + random.Next(6)
                : Interesting[random.Next(Interesting.Length)];
        }
        return ids;
    }

    private static string RandomText(Random random, int minimum, int maximum) =>
        new(random.GetItems<char>("ab", random.Next(minimum, maximum + 1)));

    private static string RandomStop(Random random) =>
        string.Concat(random.GetItems(["a", "b", " ", "é", "\uFFFD", "中"], random.Next(1, 4)));

    // The rule, written the slow way: complete first, then leftmost.
    private static (long Start, int End) FirstStop(string text, string[] stops)
    {
        for (var end = 1; end <= text.Length; end++)
        {
            var longest = stops.Where(stop => text[..end].EndsWith(stop, StringComparison.Ordinal))
                .Select(static stop => stop.Length).DefaultIfEmpty(0).Max();
            if (longest > 0)
            {
                return (end - longest, end);
            }
        }
        return (-1, -1);
    }

    private static int HeldBack(string text, string[] stops) => Enumerable.Range(0, text.Length + 1)
        .First(start => stops.Any(stop =>
            stop.StartsWith(text[start..], StringComparison.Ordinal))) is var first
        ? text.Length - first
        : 0;
}
