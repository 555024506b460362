// A server on a real socket whose engine counts upwards: the next token is the last one plus 1.
// With the byte tokenizer of a random model this makes text predictable: after "abc" comes "def".

using System.Text;
using NanoFlow.Engine;
using NanoFlow.Models;
using NanoFlow.Tokenization;

namespace NanoFlow.Server.Tests;

public sealed class EchoHost : IAsyncDisposable
{
    private readonly string _folder;
    private readonly ServedModel _model;
    private readonly List<NanoFlowServer> _servers = [];

    private EchoHost(
        string folder, EngineOptions options, ScriptedModel? script, Action<string>? prepare)
    {
        _folder = folder;
        var shape = ModelShapes.Find("tiny-llama")!;
        var vocabSize = script?.VocabSize ?? shape.Config.VocabSize;
        Engine = InferenceEngine.Load(EngineModel.Echo(vocabSize), options);
        var length = Engine.Facts.MaxModelLength;
        _model = script is null
            ? BytesOf(shape, Path.Combine(folder, "model"), length, prepare)
            : script.ToServed(length);
    }

    public InferenceEngine Engine { get; }

    public NanoFlowServer Server => _servers[0];

    public HttpClient Client { get; private set; } = null!;

    /// <param name="prepare">Changes the model's folder before it is loaded.</param>
    public static async Task<EchoHost> StartAsync(
        EngineOptions engine,
        ServerOptions? options = null,
        ScriptedModel? script = null,
        Action<string>? prepare = null)
    {
        var folder = Directory.CreateTempSubdirectory("nanoflow-server-tests-").FullName;
        var host = new EchoHost(
            folder, engine with { Device = DeviceKind.Reference }, script, prepare);
        host.Client = ClientOf(await host.AddServerAsync(options ?? new ServerOptions()));
        return host;
    }

    /// <summary>Another server in front of the same engine; stopped with this one.</summary>
    public async Task<NanoFlowServer> AddServerAsync(ServerOptions options)
    {
        var server = await NanoFlowServer.StartAsync(options with { Port = 0 }, _model, Engine);
        _servers.Add(server);
        return server;
    }

    public static HttpClient ClientOf(NanoFlowServer server) =>
        new() { BaseAddress = new Uri(server.Address) };

    public async Task<Answer> PostAsync(string path, string json)
    {
        using var content = Json(json);
        using var response = await Client.PostAsync(path, content);
        return await Answer.ReadAsync(response);
    }

    public async Task<Answer> GetAsync(string path)
    {
        using var response = await Client.GetAsync(path);
        return await Answer.ReadAsync(response);
    }

    public static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");

    private static ServedModel BytesOf(
        ModelShape shape, string path, int maxModelLength, Action<string>? prepare)
    {
        RandomModel.Create(shape, path, seed: 1);
        prepare?.Invoke(path);
        var model = ModelFolder.Open(path);
        var tokenizer = Tokenizer.Load(path);
        return new ServedModel
        {
            Names = [EchoServer.ModelName, "org/echo"],
            VocabSize = model.Config.VocabSize,
            MaxModelLength = maxModelLength,
            Defaults = model.Generation,
            EndTokens = model.Generation.EosTokenIds,
            Tokenizer = tokenizer,
            ChatTemplate = ChatTemplate.Parse(tokenizer.Config.ChatTemplate!),
        };
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        foreach (var server in _servers)
        {
            await server.StopAsync(CancellationToken.None);
            await server.DisposeAsync();
        }

        Engine.Dispose();
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
