// A server of the sample model, which draws from real probabilities.

using NanoFlow.Engine;
using NanoFlow.Models;
using NanoFlow.Tokenization;

namespace NanoFlow.Server.Tests.Clients;

internal sealed class StoryHost : IAsyncDisposable
{
    private readonly InferenceEngine _engine;
    private readonly ServedModel _model;
    private NanoFlowServer _server = null!;

    private StoryHost()
    {
        var folder = ModelFolder.Open(
            Path.Combine(ClientFiles.Repository, "samples", "storyteller"));
        var tokenizer = Tokenizer.Load(folder.FullPath);
        _engine = InferenceEngine.Load(EngineModel.From(folder), new EngineOptions());
        _model = new ServedModel
        {
            Names = ["story"],
            VocabSize = _engine.Facts.VocabSize,
            MaxModelLength = _engine.Facts.MaxModelLength,
            Defaults = folder.Generation,
            EndTokens = [.. folder.Generation.EosTokenIds.Union(tokenizer.EosTokenIds)],
            Tokenizer = tokenizer,
            ChatTemplate = ChatTemplate.Parse(tokenizer.Config.ChatTemplate!),
        };
    }

    public string Address => _server.Address;

    public static async Task<StoryHost> StartAsync()
    {
        var host = new StoryHost();
        host._server = await NanoFlowServer.StartAsync(
            new ServerOptions { Port = 0 }, host._model, host._engine);
        return host;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync(CancellationToken.None);
        await _server.DisposeAsync();
        _engine.Dispose();
        _model.Dispose();
    }
}
