// An echo host whose only place is taken by a request that outlives every case, while some more may
// wait. What comes to it waits until the place is freed; nothing waits for a length of time.

using System.Net;
using NanoFlow.Engine;

namespace NanoFlow.Server.Tests.Clients;

internal sealed class BusyHost : IAsyncDisposable
{
    // The longest answer, in as many choices as a request may have.
    private const int LongTokens = 32_000;
    private const int LongChoices = 16;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly CancellationTokenSource _free = new();
    private readonly List<Task> _holders = [];

    private BusyHost(EchoHost host)
    {
        Host = host;
    }

    public EchoHost Host { get; }

    /// <summary>An idle one: the first request takes the place.</summary>
    /// <param name="places">Requests that may wait beside the choices of the long one.</param>
    public static async Task<BusyHost> StartIdleAsync(int places, ServerOptions? options = null)
    {
        var engine = new EngineOptions
        {
            MaxSequences = 1,
            MaxQueuedRequests = LongChoices - 1 + places,
        };
        return new BusyHost(await EchoHost.StartAsync(
            engine, options, prepare: AlphabetModel.Prepare));
    }

    public static async Task<BusyHost> StartAsync(int places, ServerOptions? options = null)
    {
        var host = await StartIdleAsync(places, options);
        await host.HoldAsync(LongChoices);
        return host;
    }

    /// <summary>Submits a long request and waits until it runs or waits.</summary>
    public async Task HoldAsync(int choices)
    {
        var known = Known;
        _holders.Add(SendAsync(choices));
        await UntilAsync(() => Known == known + choices && Host.Engine.Counters.Running == 1);
    }

    public async Task UntilAsync(Func<bool> condition, CancellationToken cancel = default)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Patience);
        while (!condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Host.GetAsync("/health");
        }
    }

    /// <summary>The long requests give up.</summary>
    public async Task FreeAsync()
    {
        await _free.CancelAsync();
        await Task.WhenAll(_holders);
    }

    /// <summary>Everything that was started has ended before its time.</summary>
    public async Task CheckIdleAsync()
    {
        await FreeAsync();
        await Host.Engine.DrainAsync(Patience);
        Assert.True(Host.Engine.Counters.GeneratedTokens < LongChoices * LongTokens);
        Assert.Equal(0, Host.Engine.Counters.UsedPages);
    }

    public async ValueTask DisposeAsync()
    {
        await FreeAsync();
        await Host.DisposeAsync();
        _free.Dispose();
    }

    public long Known => Host.Engine.Counters.Running + Host.Engine.Counters.Waiting;

    private async Task SendAsync(int choices)
    {
        using var content = EchoHost.Json(
            $$"""{"prompt":"a","ignore_eos":true,"max_tokens":{{LongTokens}},"n":{{choices}}}""");
        try
        {
            using var response = await Host.Client.PostAsync(
                "/v1/completions", content, _free.Token);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
        catch (OperationCanceledException)
        {
            // Freed.
        }
        catch (HttpRequestException)
        {
            // The server was stopped, or its engine failed, before.
        }
    }
}
