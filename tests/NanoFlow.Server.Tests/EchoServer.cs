// A server on a real socket whose engine counts upwards: the next token is the last one plus 1.
// With the byte tokenizer of a random model this makes text predictable: after "abc" comes "def".

using System.Text;
using System.Text.Json;
using NanoFlow.Engine;
using NanoFlow.Models;
using NanoFlow.Tokenization;

namespace NanoFlow.Server.Tests;

public sealed class EchoServer : IAsyncLifetime
{
    public const string ModelName = "echo";
    public const int ContextLength = 256;

    /// <summary>More than the requests that a test has in flight otherwise.</summary>
    public const int MaxQueued = 200;

    // Of the byte tokenizer: the bytes, then special tokens.
    public const int EndOfText = 257;

    private readonly string _folder =
        Directory.CreateTempSubdirectory("nanoflow-server-tests-").FullName;

    private readonly List<NanoFlowServer> _servers = [];
    private InferenceEngine _engine = null!;
    private ServedModel _model = null!;

    public HttpClient Client { get; private set; } = null!;

    public string Address => _servers[0].Address;

    public async ValueTask InitializeAsync()
    {
        var path = Path.Combine(_folder, "model");
        RandomModel.Create(ModelShapes.Find("tiny-llama")!, path, seed: 1);
        var folder = ModelFolder.Open(path);
        var tokenizer = Tokenizer.Load(path);
        _engine = InferenceEngine.Load(EngineModel.Echo(folder.Config.VocabSize), new EngineOptions
        {
            Device = DeviceKind.Reference,
            MaxModelLength = ContextLength,
            MaxQueuedRequests = MaxQueued,
        });
        _model = new ServedModel
        {
            Names = [ModelName, "org/echo"],
            VocabSize = folder.Config.VocabSize,
            MaxModelLength = ContextLength,
            Defaults = folder.Generation,
            EndTokens = folder.Generation.EosTokenIds,
            Tokenizer = tokenizer,
            ChatTemplate = ChatTemplate.Parse(tokenizer.Config.ChatTemplate!),
        };
        await StartAsync(new ServerOptions { Port = 0 });
        Client = ClientOf(_servers[0]);
    }

    /// <summary>Another server in front of the same engine; stopped with this one.</summary>
    public async Task<NanoFlowServer> StartAsync(ServerOptions options)
    {
        var server = await NanoFlowServer.StartAsync(options with { Port = 0 }, _model, _engine);
        _servers.Add(server);
        return server;
    }

    public static HttpClient ClientOf(NanoFlowServer server) =>
        new() { BaseAddress = new Uri(server.Address) };

    public async Task<Answer> PostAsync(string path, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await Client.PostAsync(path, content);
        return await Answer.ReadAsync(response);
    }

    public Task<Answer> CompleteAsync(string fields) =>
        PostAsync("/v1/completions", $$"""{"model":"echo",{{fields}}}""");

    public Task<Answer> ChatAsync(string fields) => PostAsync(
        "/v1/chat/completions",
        $$"""{"model":"echo","messages":[{"role":"user","content":"abc"}],{{fields}}}""");

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        foreach (var server in _servers)
        {
            await server.StopAsync(CancellationToken.None);
            await server.DisposeAsync();
        }

        _engine.Dispose();
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>A response, read to its end.</summary>
public sealed record Answer(
    int Status, string Text, string? ContentType, IReadOnlyDictionary<string, string> Headers)
{
    private JsonElement? _json;

    public JsonElement Json => _json ??= JsonDocument.Parse(Text).RootElement.Clone();

    public JsonElement Error => Json.GetProperty("error");

    public string? Code => Error.GetProperty("code").GetString();

    public string? Param => Error.GetProperty("param").GetString();

    public JsonElement Choice(int index) => Json.GetProperty("choices")[index];

    public string? FirstText => Choice(0).TryGetProperty("text", out var text)
        ? text.GetString()
        : Choice(0).GetProperty("message").GetProperty("content").GetString();

    /// <summary>The data of each event of a stream, without its end mark.</summary>
    public IReadOnlyList<JsonElement> Events => Text.Split("\n\n")
        .Where(part => part.StartsWith("data: {", StringComparison.Ordinal))
        .Select(part => JsonDocument.Parse(part["data: ".Length..]).RootElement.Clone())
        .ToArray();

    public static async Task<Answer> ReadAsync(HttpResponseMessage response)
    {
        var headers = response.Headers.Concat(response.Content.Headers).ToDictionary(
            header => header.Key,
            header => string.Join(", ", header.Value),
            StringComparer.OrdinalIgnoreCase);
        return new Answer(
            (int)response.StatusCode,
            await response.Content.ReadAsStringAsync(),
            response.Content.Headers.ContentType?.ToString(),
            headers);
    }
}
