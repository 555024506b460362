// Clients that go away, queues that are full, servers that stop, engines that fail. One sequence
// runs at a time and a long request has 16 of 32,000 tokens each, so it is still running when a
// test looks; nothing waits for a length of time.

using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net;
using NanoFlow.Engine;
using OpenAI;
using OpenAI.Chat;

namespace NanoFlow.Server.Tests;

public sealed class LifeTests
{
    private const int LongTokens = 32_000;
    private const int LongChoices = 16;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Client_GoesAway_EndsItsWork(bool stream)
    {
        await using var host = await BusyHostAsync();
        using var cancel = new CancellationTokenSource();
        var request = SendLongAsync(host, stream, cancel.Token);
        await UntilRunningAsync(host);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);

        await host.Engine.DrainAsync(Patience);
        Assert.True(host.Engine.Counters.GeneratedTokens < LongChoices * LongTokens);
        Assert.Equal(0, host.Engine.Counters.UsedPages);
    }

    [Fact]
    public async Task Queue_Full_IsRefusedWithAWaitingTime()
    {
        await using var host = await BusyHostAsync();
        using var cancel = new CancellationTokenSource();
        var request = SendLongAsync(host, stream: true, cancel.Token);
        await UntilRunningAsync(host);
        var answer = await host.PostAsync("/v1/completions", """{"prompt":"a","n":16}""");

        Assert.Equal(429, answer.Status);
        Assert.Equal("server_overloaded", answer.Code);
        Assert.Equal("rate_limit_error", answer.Error.GetProperty("type").GetString());
        Assert.Equal("1", answer.Headers["Retry-After"]);
        Assert.Equal("1000", answer.Headers["retry-after-ms"]);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await host.Engine.DrainAsync(Patience);
        Assert.Equal(0, host.Engine.Counters.Waiting);
    }

    [Fact]
    public async Task Queue_Full_IsSeenAs429ByTheOpenAIClient()
    {
        await using var host = await BusyHostAsync();
        using var cancel = new CancellationTokenSource();
        var request = SendLongAsync(host, stream: true, cancel.Token);
        await UntilRunningAsync(host);
        using var last = await OpenStreamAsync(host, """{"prompt":"a","stream":true}""");
        var client = new ChatClient(
            "echo",
            new ApiKeyCredential("none"),
            new OpenAIClientOptions
            {
                Endpoint = new Uri(host.Server.Address + "/v1"),
                RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
            });
        var error = await Assert.ThrowsAsync<ClientResultException>(
            async () => await client.CompleteChatAsync(new UserChatMessage("abc")));

        Assert.Equal(429, error.Status);
        Assert.Contains("server_overloaded", error.Message);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
    }

    [Fact]
    public async Task Stream_ThatWaits_SendsComments()
    {
        await using var host = await BusyHostAsync(
            new ServerOptions { KeepAlive = TimeSpan.FromMilliseconds(20) });
        using var cancel = new CancellationTokenSource();
        var request = SendLongAsync(host, stream: true, cancel.Token);
        await UntilRunningAsync(host);
        using var waiting = await OpenStreamAsync(host, """{"prompt":"a","stream":true}""");
        var line = await waiting.ReadLineAsync();

        Assert.Equal(": keep-alive", line);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        Assert.EndsWith("data: [DONE]\n\n", await waiting.ReadToEndAsync());
    }

    [Fact]
    public async Task Server_Stopping_RefusesNewWorkAndEndsTheOld()
    {
        await using var host = await BusyHostAsync();
        using var running = await OpenStreamAsync(
            host, """{"prompt":"a","stream":true,"ignore_eos":true,"max_tokens":32000}""");
        await running.ReadLineAsync();
        var stop = host.Server.StopAsync(CancellationToken.None);
        var refused = await host.PostAsync("/v1/completions", """{"prompt":"a"}""");
        var ready = await host.GetAsync("/health/ready");
        var live = await host.GetAsync("/health");

        Assert.Equal(503, refused.Status);
        Assert.Equal("unavailable_error", refused.Error.GetProperty("type").GetString());
        Assert.Equal("1", refused.Headers["Retry-After"]);
        Assert.Equal(503, ready.Status);
        Assert.Equal(200, live.Status);
        Assert.EndsWith("data: [DONE]\n\n", await running.ReadToEndAsync());
        await stop;
    }

    [Fact]
    public async Task Server_OutOfTimeToStop_CutsWhatRuns()
    {
        await using var host = await BusyHostAsync();
        using var cancel = new CancellationTokenSource();
        var request = SendLongAsync(host, stream: true, cancel.Token);
        await UntilRunningAsync(host);
        await host.Server.StopAsync(new CancellationToken(canceled: true));

        await Assert.ThrowsAnyAsync<Exception>(() => request);
        await host.Engine.DrainAsync(Patience);
        Assert.True(host.Engine.Counters.GeneratedTokens < LongChoices * LongTokens);
    }

    [Fact]
    public async Task Engine_FailsInAStream_EndsItWithAnErrorAndNoDone()
    {
        await using var host = await BusyHostAsync();
        using var running = await OpenStreamAsync(
            host, """{"prompt":"a","stream":true,"ignore_eos":true,"max_tokens":32000,"n":16}""");
        await running.ReadLineAsync();
        host.Engine.Dispose();
        var last = "";
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            while (await running.ReadLineAsync() is { } line)
            {
                last = line.Length > 0 ? line : last;
            }
        });

        Assert.StartsWith("data: {\"error\":{\"message\":", last);
        Assert.Contains("\"type\":\"server_error\"", last);
    }

    [Fact]
    public async Task Engine_Gone_RefusesWith503()
    {
        await using var host = await BusyHostAsync();
        host.Engine.Dispose();
        var answer = await host.PostAsync("/v1/completions", """{"prompt":"a"}""");

        Assert.Equal(503, answer.Status);
        Assert.True(answer.Headers.ContainsKey("Retry-After"));
    }

    private static Task<EchoHost> BusyHostAsync(ServerOptions? options = null) =>
        EchoHost.StartAsync(
            new EngineOptions { MaxSequences = 1, MaxQueuedRequests = LongChoices }, options);

    private static async Task<string> SendLongAsync(
        EchoHost host, bool stream, CancellationToken cancel)
    {
        using var content = EchoHost.Json(
            $$"""
            {"prompt":"a","ignore_eos":true,"max_tokens":{{LongTokens}},"n":{{LongChoices}},
            "stream":{{(stream ? "true" : "false")}}}
            """);
        using var response = await host.Client.PostAsync("/v1/completions", content, cancel);
        return await response.Content.ReadAsStringAsync(cancel);
    }

    // One runs and the rest of its choices fill all places but one of the queue.
    private static async Task UntilRunningAsync(EchoHost host)
    {
        var counters = host.Engine.Counters;
        while (counters is not { Running: 1, Waiting: LongChoices - 1 })
        {
            await host.GetAsync("/health");
        }
    }

    private static async Task<StreamReader> OpenStreamAsync(EchoHost host, string json)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = EchoHost.Json(json),
        };
        var response = await host.Client.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return new StreamReader(await response.Content.ReadAsStreamAsync());
    }
}
