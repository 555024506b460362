// Bodies no client should send. Each must be refused with a JSON error, and the server must answer
// the next request as if nothing had happened.

using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace NanoFlow.Server.Tests;

public sealed class BodyTests(EchoServer server) : IClassFixture<EchoServer>
{
    private static readonly string[] Paths =
        ["/v1/completions", "/v1/chat/completions", "/tokenize", "/detokenize"];

    private static readonly string[] Malformed =
    [
        "", " ", "{", "}", "[", "{\"prompt\":", "{\"prompt\":\"a", "{\"prompt\":\"a\"",
        "{'prompt':'a'}", "{prompt:1}", "{\"prompt\":NaN}", "{\"prompt\":Infinity}",
        "{\"prompt\":01}", "{\"prompt\":\"a\",}", "{\"prompt\":\"a\"} x", "nul", "\u0000",
        "{\"prompt\":\"\\x\"}", "{\"prompt\":\"\n\"}", "// {}", "{\"a\":1,\"a\":2}",
        "{\"prompt\":\"a\",\"prompt\":\"b\"}", "{\"prompt\":-}", "{\"prompt\":1.}",
        "{\"prompt\":.5}",
        "{\"prompt\":+1}", "{\"prompt\":1e}", "{\"prompt\":0x10}", "{\"prompt\":-Infinity}",
        "{\"prompt\":\"\\u12\"}", "{\"prompt\":\"\t\"}", "{\"prompt\":[1,]}", "{\"prompt\":[1 2]}",
        "{\"prompt\":\"a\"}{}", "{\"prompt\" \"a\"}", "{,}", "{\"a\"}", "/* */{}", "\u00a0{}",
        "{\"messages\":[{]}", "{\"messages\":[{\"role\":\"user\",\"role\":\"user\"}]}",
        "{\"prompt\":undefined}", "{\"prompt\":True}", "<xml/>", "prompt=a", "\"", "[[[[[[[[",
    ];

    private static readonly string[] NotObjects =
        ["null", "true", "1", "\"text\"", "[]", "[{\"prompt\":\"a\"}]"];

    public static TheoryData<string, string> MalformedCases() => Cross(Malformed);

    public static TheoryData<string, string> NotObjectCases() => Cross(NotObjects);

    [Theory]
    [MemberData(nameof(MalformedCases))]
    [MemberData(nameof(NotObjectCases))]
    public async Task Body_Malformed_IsRefused(string path, string body)
    {
        var answer = await server.PostAsync(path, body);

        Assert.Equal(400, answer.Status);
        Assert.Equal("invalid_request_error", answer.Error.GetProperty("type").GetString());
    }

    [Theory]
    [InlineData("{\"prompt\":\"\\ud800\"}")]
    [InlineData("{\"prompt\":\"\\udc00\\ud800\"}")]
    [InlineData("{\"prompt\":\"a\",\"stop\":\"\\ud83d\"}")]
    public async Task Body_LoneSurrogate_IsRefused(string body)
    {
        Assert.Equal(400, (await server.PostAsync("/v1/completions", body)).Status);
    }

    [Fact]
    public async Task Body_LoneSurrogateInAName_IsRefused()
    {
        var answer = await server.PostAsync(
            "/v1/completions", "{\"prompt\":\"a\",\"max_tokens\":1,\"\\ud800\":1}");

        Assert.Equal(400, answer.Status);
    }

    [Fact]
    public async Task Body_InvalidUtf8_IsRefused()
    {
        byte[] body = [.. "{\"prompt\":\""u8, 0xFF, 0xC0, .. "\"}"u8];

        Assert.Equal(400, (await SendAsync("/v1/completions", Json(body))).Status);
    }

    [Fact]
    public async Task Body_Utf16_IsRefused()
    {
        var body = Encoding.Unicode.GetBytes("{\"prompt\":\"a\"}");

        Assert.Equal(400, (await SendAsync("/v1/completions", Json(body))).Status);
    }

    [Fact]
    public async Task Body_ByteOrderMark_IsSkipped()
    {
        byte[] body = [0xEF, 0xBB, 0xBF, .. "{\"prompt\":\"a\",\"max_tokens\":1}"u8];

        Assert.Equal(200, (await SendAsync("/v1/completions", Json(body))).Status);
    }

    [Theory]
    [InlineData(60, 200)]
    [InlineData(70, 400)]
    [InlineData(100_000, 400)]
    public async Task Body_DeepNesting_IsRefused(int depth, int status)
    {
        var nested = new string('[', depth) + new string(']', depth);
        var answer = await server.CompleteAsync(
            $"\"prompt\":\"a\",\"max_tokens\":1,\"x\":{nested}");

        Assert.Equal(status, answer.Status);
    }

    [Fact]
    public async Task Body_AnnouncedTooLarge_IsRefused()
    {
        var answer = await SendAsync(
            "/v1/completions", Json(new byte[ServerLimits.MaxBodyBytes + 1]));

        Assert.Equal(413, answer.Status);
        Assert.Equal("request_too_large", answer.Code);
    }

    [Fact]
    public async Task Body_ChunkedTooLarge_IsRefused()
    {
        using var content = new StreamContent(new EndlessSpaces(ServerLimits.MaxBodyBytes * 2L));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = content,
            Headers = { TransferEncodingChunked = true },
        };
        using var response = await server.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("application/jsonx")]
    public async Task Body_OtherContentType_IsRefused(string type)
    {
        foreach (var path in Paths)
        {
            using var content = Json("{\"prompt\":\"a\"}"u8.ToArray());
            content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);

            Assert.Equal(415, (await SendAsync(path, content)).Status);
        }
    }

    [Fact]
    public async Task Body_NoContentType_IsRefused()
    {
        using var content = Json("{\"prompt\":\"a\"}"u8.ToArray());
        content.Headers.ContentType = null;

        Assert.Equal(415, (await SendAsync("/v1/completions", content)).Status);
    }

    [Fact]
    public async Task Body_Compressed_IsRefused()
    {
        using var content = Json([0x1F, 0x8B, 8, 0]);
        content.Headers.ContentEncoding.Add("gzip");

        Assert.Equal(415, (await SendAsync("/v1/completions", content)).Status);
    }

    [Fact]
    public async Task Body_RandomMutations_AreAnsweredOrRefused()
    {
        const int Seed = 20240611;
        var random = new Random(Seed);
        var valid = "{\"prompt\":\"abc\",\"max_tokens\":2,\"stop\":[\"x\"],\"n\":1}"u8.ToArray();
        for (var round = 0; round < 500; round++)
        {
            var body = valid.ToArray();
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                body[random.Next(body.Length)] = (byte)random.Next(256);
            }

            var answer = await SendAsync("/v1/completions", Json(body));
            Assert.True(
                answer.Status is 200 or 400,
                $"{answer.Status} for {Encoding.Latin1.GetString(body)}");
        }
    }

    private static ByteArrayContent Json(byte[] body)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    private async Task<Answer> SendAsync(string path, HttpContent content)
    {
        using (content)
        {
            using var response = await server.Client.PostAsync(path, content);
            return await Answer.ReadAsync(response);
        }
    }

    private static TheoryData<string, string> Cross(string[] bodies)
    {
        var data = new TheoryData<string, string>();
        foreach (var path in Paths)
        {
            bodies.ToList().ForEach(body => data.Add(path, body));
        }

        return data;
    }

    /// <summary>White space, which a JSON reader must skip: it has no reason to stop early.
    /// </summary>
    private sealed class EndlessSpaces(long length) : Stream
    {
        private long _left = length;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = (int)Math.Min(count, _left);
            buffer.AsSpan(offset, read).Fill((byte)' ');
            _left -= read;
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) =>
            throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) =>
            throw new NotSupportedException();
    }
}
