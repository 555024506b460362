// A server whose engine runs a real model with random weights: what it says makes no sense, so what
// is valid all the same has been made valid.

using System.Text;
using NanoFlow.Engine;
using NanoFlow.Models;
using NanoFlow.Tokenization;

namespace NanoFlow.Server.Tests;

public sealed class RandomHost : IAsyncLifetime
{
    public const int MaxModelLength = 512;

    private readonly string _folder =
        Directory.CreateTempSubdirectory("nanoflow-server-tests-").FullName;

    private InferenceEngine _engine = null!;
    private ServedModel _model = null!;
    private NanoFlowServer _server = null!;

    public HttpClient Client { get; private set; } = null!;

    public string Address => _server.Address;

    public async ValueTask InitializeAsync()
    {
        var path = Path.Combine(_folder, "model");
        RandomModel.Create(ModelShapes.Find("tiny-llama")!, path, seed: 7);
        var folder = ModelFolder.Open(path);
        var tokenizer = Tokenizer.Load(path);
        _engine = InferenceEngine.Load(
            EngineModel.From(folder),
            new EngineOptions
            {
                MaxModelLength = MaxModelLength,
                KvCacheBytes = 1 << 26,
                Seed = 1,
                Threads = 1,
            });
        _model = new ServedModel
        {
            Names = ["random"],
            VocabSize = folder.Config.VocabSize,
            MaxModelLength = _engine.Facts.MaxModelLength,
            Defaults = folder.Generation,
            EndTokens = folder.Generation.EosTokenIds,
            Tokenizer = tokenizer,
            ChatTemplate = ChatTemplate.Parse(tokenizer.Config.ChatTemplate!),
        };
        _server = await NanoFlowServer.StartAsync(
            new ServerOptions { Port = 0 }, _model, _engine);
        Client = new HttpClient { BaseAddress = new Uri(_server.Address) };
    }

    /// <summary>A chat request with further fields.</summary>
    public Task<Answer> ChatAsync(string fields) => PostAsync(
        "/v1/chat/completions", $$"""{"messages":[{"role":"user","content":"go"}],{{fields}}}""");

    public async Task<Answer> PostAsync(string path, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await Client.PostAsync(path, content);
        return await Answer.ReadAsync(response);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _server.StopAsync(CancellationToken.None);
        await _server.DisposeAsync();
        _engine.Dispose();
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
