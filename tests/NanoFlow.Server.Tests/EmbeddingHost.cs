// A server of the small golden model that has a tokenizer, computed by the reference device.

using NanoFlow.Engine;
using NanoFlow.Models;
using NanoFlow.Server.Tests.Clients;
using NanoFlow.Tokenization;

namespace NanoFlow.Server.Tests;

public sealed class EmbeddingHost : IAsyncLifetime
{
    public const int MaxModelLength = 256;

    private InferenceEngine _engine = null!;
    private ServedModel _model = null!;
    private NanoFlowServer _server = null!;

    public static string Folder { get; } =
        Path.Combine(ClientFiles.Repository, "tests", "golden", "tiny-llama");

    public string Address => _server.Address;

    public HttpClient Client { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var folder = ModelFolder.Open(Folder);
        _engine = InferenceEngine.Load(EngineModel.From(folder), new EngineOptions
        {
            Device = DeviceKind.Reference,
            MaxModelLength = MaxModelLength,
            MaxSequences = 8,
            KvCacheBytes = 16 << 20,
        });
        _model = new ServedModel
        {
            Names = ["tiny"],
            VocabSize = _engine.Facts.VocabSize,
            MaxModelLength = _engine.Facts.MaxModelLength,
            Defaults = folder.Generation,
            EndTokens = folder.Generation.EosTokenIds,
            Tokenizer = Tokenizer.Load(folder.FullPath),
            Pooling = PoolingMode.Mean,
        };
        _server = await NanoFlowServer.StartAsync(
            new ServerOptions { Port = 0 }, _model, _engine);
        Client = EchoHost.ClientOf(_server);
    }

    public async Task<Answer> EmbedAsync(string fields)
    {
        using var content = EchoHost.Json($$"""{"model":"tiny",{{fields}}}""");
        using var response = await Client.PostAsync("/v1/embeddings", content);
        return await Answer.ReadAsync(response);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _server.StopAsync(CancellationToken.None);
        await _server.DisposeAsync();
        _engine.Dispose();
        _model.Dispose();
    }
}
