// What the owner of a server may set: caps, strictness, origins; and what is never logged.

using Microsoft.Extensions.Logging;
using NanoFlow.Server.Protocol;

namespace NanoFlow.Server.Tests;

public sealed class OptionTests(EchoServer server) : IClassFixture<EchoServer>
{
    private const string Page = "https://example.org";

    [Theory]
    [InlineData("\"n\":3", "n", "1 to 2")]
    [InlineData("\"logprobs\":4", "logprobs", "0 to 3")]
    [InlineData("\"stop\":[\"a\",\"b\"]", "stop", "at most 1")]
    [InlineData("\"logit_bias\":{\"1\":1,\"2\":1,\"3\":1}", "logit_bias", "at most 2")]
    public async Task Cap_Exceeded_IsNamedWithTheNumberInForce(
        string field, string param, string range)
    {
        var caps = new RequestCaps
        {
            MaxN = 2,
            MaxLogProbs = 3,
            MaxStopStrings = 1,
            MaxLogitBias = 2,
        };
        await using var capped = await server.StartAsync(new ServerOptions { Caps = caps });
        using var client = EchoServer.ClientOf(capped);
        var answer = await CompleteAsync(client, field);

        Assert.Equal(400, answer.Status);
        Assert.Equal(param, answer.Param);
        Assert.Contains(range, answer.Error.GetProperty("message").GetString());
    }

    [Theory]
    [InlineData("\"min_lenght\":1", "min_lenght")]
    [InlineData("\"stream\":true,\"stream_options\":{\"usage\":true}", "stream_options.usage")]
    public async Task Unknown_Field_IsIgnoredAndListedOrRefusedWhenStrict(
        string field, string name)
    {
        await using var strict = await server.StartAsync(
            new ServerOptions { StrictParams = true });
        using var client = EchoServer.ClientOf(strict);
        var usual = await CompleteAsync(server.Client, field);
        var refused = await CompleteAsync(client, field);

        Assert.Equal(200, usual.Status);
        Assert.Equal(name, usual.Headers["x-ignored-params"]);
        Assert.Equal(400, refused.Status);
        Assert.Equal(name, refused.Param);
    }

    [Fact]
    public async Task Known_FieldWithoutEffect_IsListedAndTakenWhenStrict()
    {
        await using var strict = await server.StartAsync(
            new ServerOptions { StrictParams = true });
        using var client = EchoServer.ClientOf(strict);
        var answer = await CompleteAsync(
            client,
            "\"priority\":1,\"store\":true,\"service_tier\":\"flex\",\"user\":\"u\","
            + "\"metadata\":{\"a\":\"b\"},\"typo\":null");

        Assert.Equal(200, answer.Status);
        Assert.Equal("store, service_tier, priority", answer.Headers["x-ignored-params"]);
    }

    [Fact]
    public async Task Browser_OfAnAllowedOrigin_IsAnsweredWithoutAKeyBeforeItAsks()
    {
        await using var open = await server.StartAsync(
            new ServerOptions { AllowedOrigins = [Page], ApiKeys = ["secret"] });
        using var client = EchoServer.ClientOf(open);

        using var allowed = await PreflightAsync(client, Page);
        using var other = await PreflightAsync(client, "https://example.com");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.Add("Origin", Page);
        using var refused = await client.SendAsync(request);

        Assert.Equal(204, (int)allowed.StatusCode);
        Assert.Equal([Page], allowed.Headers.GetValues("Access-Control-Allow-Origin"));
        Assert.False(other.Headers.Contains("Access-Control-Allow-Origin"));
        Assert.Equal(401, (int)refused.StatusCode);
        Assert.Equal([Page], refused.Headers.GetValues("Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task Browser_OfAnyOrigin_IsNotHelpedByDefault()
    {
        using var preflight = await PreflightAsync(server.Client, Page);

        Assert.Equal(405, (int)preflight.StatusCode);
        Assert.False(preflight.Headers.Contains("Access-Control-Allow-Origin"));
    }

    // With every category at its loudest.
    [Fact]
    public async Task Prompts_AndAnswers_AreNotLogged()
    {
        using var log = new Lines();
        await using var loud = await server.StartAsync(new ServerOptions
        {
            ConfigureLogging = logging =>
                logging.SetMinimumLevel(LogLevel.Trace).AddProvider(log),
        });
        using var client = EchoServer.ClientOf(loud);
        foreach (var fields in (string[])
            ["\"n\":1", "\"stream\":true", "\"n\":0", "\"stop\":[1]", "\"user\":\"swordfish\""])
        {
            await PostAsync(client, "completions", $"\"prompt\":\"swordfish\",{fields}");
            await PostAsync(
                client,
                "chat/completions",
                $$"""
                "messages":[{"role":"user","content":"swordfish"}],"max_tokens":2,{{fields}}
                """);
        }

        await PostAsync(client, "completions", "\"prompt\":\"swordfish");

        Assert.Contains(log.All, line => line.Contains("prompt_tokens=", StringComparison.Ordinal));
        Assert.DoesNotContain(
            log.All, line => line.Contains("swordfish", StringComparison.Ordinal));
        Assert.DoesNotContain(log.All, line => line.Contains("ijklm", StringComparison.Ordinal));
    }

    private static Task<Answer> CompleteAsync(HttpClient client, string fields) =>
        PostAsync(client, "completions", $"\"prompt\":\"a\",\"max_tokens\":1,{fields}");

    private static async Task<Answer> PostAsync(HttpClient client, string api, string fields)
    {
        using var content = EchoHost.Json($"{{{fields}}}");
        using var response = await client.PostAsync("/v1/" + api, content);
        return await Answer.ReadAsync(response);
    }

    private static Task<HttpResponseMessage> PreflightAsync(HttpClient client, string origin)
    {
        var request = new HttpRequestMessage(HttpMethod.Options, "/v1/chat/completions");
        request.Headers.Add("Origin", origin);
        request.Headers.Add("Access-Control-Request-Method", "POST");
        request.Headers.Add("Access-Control-Request-Headers", "authorization,content-type");
        return client.SendAsync(request);
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        private readonly System.Collections.Concurrent.ConcurrentQueue<string> _lines = [];

        public IReadOnlyCollection<string> All => _lines;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
        {
            _lines.Enqueue(state.ToString() ?? "");
            return null;
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter) =>
            _lines.Enqueue(formatter(state, exception) + exception);

        public void Dispose()
        {
            // The lines stay.
        }
    }
}
