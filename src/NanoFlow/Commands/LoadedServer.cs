// A server that is loaded, and how the command line says it is asked.

using System.Text.Json;
using NanoFlow.Benchmarks;
using NanoFlow.Cli;

namespace NanoFlow.Commands;

internal sealed class LoadedServer : IDisposable
{
    private static readonly JsonElement NoFields = JsonDocument.Parse("{}").RootElement;

    private readonly Given _given;
    private readonly CompletionClient _client;
    private readonly CompletionFields _fields;

    private LoadedServer(Given given, Uri server, CompletionClient client, string model)
    {
        _given = given;
        _client = client;
        Url = server.GetLeftPart(UriPartial.Path).TrimEnd('/');
        Model = model;
        _fields = new CompletionFields(
            model,
            given.Get(BenchServeFlags.Temperature, 0),
            given.Get(BenchServeFlags.IgnoreEos, true),
            given.Get(BenchServeFlags.ExtraBody, NoFields));
    }

    public string Url { get; }

    public string Model { get; }

    /// <exception cref="CommandException">It does not say which models it has.</exception>
    public static async Task<LoadedServer> OpenAsync(Given given, Uri server)
    {
        var client = new CompletionClient(
            server,
            given.GetOrNull(BenchServeFlags.ApiKey),
            given.Get(BenchServeFlags.Timeout, BenchServeFlags.DefaultTimeout));
        try
        {
            var model = given.GetOrNull(BenchServeFlags.Model) ?? await client.FirstModelAsync();
            return new LoadedServer(given, server, client, model);
        }
        catch (RequestFailure e)
        {
            client.Dispose();
            throw new CommandException($"{server}: {e.Message}");
        }
    }

    /// <exception cref="CommandException">A request failed.</exception>
    public async Task WarmUpAsync(Workload workload)
    {
        try
        {
            await Load(workload).WarmUpAsync(_given.Get(BenchServeFlags.WarmUps, 1));
        }
        catch (RequestFailure e)
        {
            throw new CommandException($"{Url}: warming up: {e.Message}");
        }
    }

    /// <summary>Progress and failures go to stderr.</summary>
    public async Task<LoadResult> RunAsync(Workload workload)
    {
        LoadResult result;
        using (var progress = new ProgressLine(Url, total => $"{total} requests"))
        {
            result = await Load(workload).RunAsync(
                ended => progress.Report(ended, workload.Requests.Count));
        }
        foreach (var (message, count) in result.Failures.ByCount())
        {
            Console.Error.WriteLine($"{Url}: {count} failed: {message}");
        }
        return result;
    }

    public void Dispose() => _client.Dispose();

    private LoadRun Load(Workload workload)
    {
        var rate = _given.Get(BenchServeFlags.Rate, RequestRate.AtOnce);
        var burstiness = _given.Get(BenchServeFlags.Burstiness, 1);
        var count = workload.Requests.Count;
        var arrivals = rate.IsNumber
            ? Arrivals.Draw(count, rate.PerSecond, burstiness, LoadFlags.SeedOf(_given))
            : workload.Arrivals;
        return new LoadRun(_client, _fields, workload, new LoadOptions(
            arrivals,
            _given.Get(BenchServeFlags.MaxConcurrency, count),
            BenchServeFlags.LeastToken,
            _given.Get(BenchServeFlags.VocabSize, BenchServeFlags.DefaultVocabSize) - 1));
    }
}
