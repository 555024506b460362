// nanoflow bench serve URL: loads any server that speaks OpenAI's protocol, and says how fast its
// answers came. With a second server, both are loaded by turns and compared.

using NanoFlow.Benchmarks;
using NanoFlow.Cli;

namespace NanoFlow.Commands;

internal static class BenchServeCommand
{
    public static Command Command { get; } = new(
        "bench serve",
        "URL",
        "Loads an OpenAI-compatible server over HTTP; reports throughput and latencies.",
        BenchServeFlags.All,
        RunAsync);

    private static async Task<int> RunAsync(Given given)
    {
        var rate = given.Get(BenchServeFlags.Rate, RequestRate.AtOnce);
        if (given.Has(BenchServeFlags.Burstiness) && !rate.IsNumber)
        {
            throw new UsageException("--burstiness needs a number as --request-rate");
        }
        var url = BenchServeFlags.Server(given.Argument, "URL");
        var workloads = LoadFlags.Workloads(given, rate.IsOfTrace);
        if (given.GetOrNull(BenchServeFlags.CompareWith) is { } other)
        {
            var second = BenchServeFlags.Server(other, BenchServeFlags.CompareWith.Name);
            if (given.Has(BenchServeFlags.Goodput) || given.Has(LoadFlags.Percentiles))
            {
                throw new UsageException(
                    $"{BenchServeFlags.Goodput.Name} and {LoadFlags.Percentiles.Name} are not for "
                    + BenchServeFlags.CompareWith.Name);
            }
            return await CompareAsync(given, [url, second], workloads);
        }
        if (given.Has(BenchServeFlags.Pairs))
        {
            throw new UsageException("--pairs needs --compare-with URL");
        }
        using var server = await LoadedServer.OpenAsync(given, url);
        var workload = workloads(LoadFlags.SeedOf(given));
        await server.WarmUpAsync(workload);
        return Write(given, server, rate, await server.RunAsync(workload));
    }

    private static int Write(
        Given given, LoadedServer server, RequestRate rate, LoadResult result)
    {
        var asJson = given.Get(CommonFlags.Json, false);
        var latencies = new LatencyTable(
            LatencyMetric.All, result.Answers, LoadFlags.PercentilesOf(given));
        var figures = new Figures();
        figures.Add("server", "server", server.Url);
        figures.Add("model_id", "model", server.Model);
        figures.Add("request_rate", "request rate", $"{rate}");
        result.AddTo(figures, given.All(BenchServeFlags.Goodput));
        latencies.AddTo(figures);
        figures.Write(asJson);
        if (!asJson)
        {
            Console.Write($"\n{latencies}");
        }
        return result.Answers.Count > 0 ? 0 : 1;
    }

    private static async Task<int> CompareAsync(
        Given given, Uri[] urls, Func<int, Workload> workloads)
    {
        using var first = await LoadedServer.OpenAsync(given, urls[0]);
        using var second = await LoadedServer.OpenAsync(given, urls[1]);
        LoadedServer[] servers = [first, second];
        var seed = LoadFlags.SeedOf(given);
        foreach (var server in servers)
        {
            await server.WarmUpAsync(workloads(seed));
        }
        var pairs = await ServerComparison.RunAsync(
            given.Get(BenchServeFlags.Pairs, BenchServeFlags.DefaultPairs),
            async (which, pair) =>
            {
                var result = await servers[which].RunAsync(workloads(seed + pair));
                return result.Failures.Total == 0 ? result : throw new CommandException(
                    $"{servers[which].Url}: requests failed, so there is nothing to compare");
            });
        var rows = ServerComparison.Of(pairs);
        if (given.Get(CommonFlags.Json, false))
        {
            var figures = new Figures();
            figures.Add("server", first.Url);
            figures.Add("model_id", first.Model);
            figures.Add("other_server", second.Url);
            figures.Add("other_model_id", second.Model);
            ServerComparison.AddTo(figures, rows);
            figures.Write(asJson: true);
        }
        else
        {
            Console.Write(ServerComparison.ToMarkdown(rows, first.Url, second.Url));
        }
        return 0;
    }
}
