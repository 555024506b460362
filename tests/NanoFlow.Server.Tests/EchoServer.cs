// The echo host that most tests share: many at a time, nothing in the way.

using NanoFlow.Engine;

namespace NanoFlow.Server.Tests;

public sealed class EchoServer : IAsyncLifetime
{
    public const string ModelName = "echo";
    public const int ContextLength = 256;

    private EchoHost _host = null!;

    public HttpClient Client => _host.Client;

    public string Address => _host.Server.Address;

    public async ValueTask InitializeAsync() =>
        _host = await EchoHost.StartAsync(new EngineOptions { MaxModelLength = ContextLength });

    public Task<NanoFlowServer> StartAsync(ServerOptions options) =>
        _host.AddServerAsync(options);

    public static HttpClient ClientOf(NanoFlowServer server) => EchoHost.ClientOf(server);

    public Task<Answer> PostAsync(string path, string json) => _host.PostAsync(path, json);

    public Task<Answer> CompleteAsync(string fields) =>
        PostAsync("/v1/completions", $$"""{"model":"echo",{{fields}}}""");

    public Task<Answer> ChatAsync(string fields) => PostAsync(
        "/v1/chat/completions",
        $$"""{"model":"echo","messages":[{"role":"user","content":"abc"}],{{fields}}}""");

    public ValueTask DisposeAsync() => _host.DisposeAsync();
}
