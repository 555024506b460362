// Many clients at once against the real program. What each reads from its stream must be what the
// same request gets alone, and when all are gone nothing may be left behind.

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;

namespace NanoFlow.EndToEnd.Tests;

public sealed class LoadTests
{
    private const int Clients = 64;

    private static bool IsLarge =>
        Environment.GetEnvironmentVariable("NANOFLOW_TEST_SCALE") == "large";

    [Fact]
    public async Task Streams_Of64Clients_AreTheAnswersGivenAlone()
    {
        var (process, client) = await NanoFlowProcess.ServeAsync(
            LoadWorkload.TinyLlama, "--kv-cache-memory-bytes", "16m");
        await using var running = process;
        using var http = client;
        var requests = LoadWorkload.Create(seed: 1, 100, LoadShape.TinyLlama);

        await CheckAsync(client, requests, index => index < 4 * Clients);
    }

    [Fact]
    public async Task Streams_Of64ClientsForTwoMinutes_AreTheAnswersGivenAlone()
    {
        Assert.SkipUnless(IsLarge, "minutes of load run with NANOFLOW_TEST_SCALE=large");
        var folder = Directory.CreateTempSubdirectory("nanoflow-load-").FullName;
        try
        {
            var model = Path.Combine(folder, "smollm-135m");
            await NanoFlowProcess.RunAsync(["model", "new", "--shape", "smollm-135m", model]);
            var (process, client) = await NanoFlowProcess.ServeAsync(
                model, "--kv-cache-memory-bytes", "1g");
            await using var running = process;
            using var http = client;
            http.Timeout = Timeout.InfiniteTimeSpan;
            var requests = LoadWorkload.Create(seed: 2, 96, LoadShape.SmolLm);
            var watch = Stopwatch.StartNew();

            await CheckAsync(client, requests, _ => watch.Elapsed < TimeSpan.FromMinutes(2));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Requests_MoreThanTheQueueHolds_AreAnsweredOrRefused()
    {
        var (process, client) = await NanoFlowProcess.ServeAsync(
            LoadWorkload.TinyLlama,
            "--kv-cache-memory-bytes", "16m", "--max-num-seqs", "4", "--max-num-queued-reqs", "4");
        await using var running = process;
        using var http = client;
        var request = LoadWorkload.Long(seed: 3, maxTokens: 200);
        var before = await request.AskWholeAsync(client);

        var statuses = await Task.WhenAll(
            Enumerable.Range(0, 100).Select(index => StatusAsync(client, request, index)));
        await MetricsPage.UntilIdleAsync(client);

        Assert.Contains(HttpStatusCode.OK, statuses);
        Assert.Contains(HttpStatusCode.TooManyRequests, statuses);
        Assert.Equal(before, await request.AskStreamAsync(client));
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"answered {statuses.Count(status => status == HttpStatusCode.OK)} of 100");
    }

    // Every third asks for three choices: a part of them may fit into the queue, never all.
    private static async Task<HttpStatusCode> StatusAsync(
        HttpClient client, LoadRequest request, int index)
    {
        using var body = request.Body(
            (index % 3 == 0 ? ",\"n\":3" : "") + (index % 2 == 0 ? ",\"stream\":true" : ""));
        using var response = await client.PostAsync("/v1/completions", body);
        var text = await response.Content.ReadAsStringAsync();
        if (response.StatusCode != HttpStatusCode.OK)
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
            Assert.InRange(response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
            Assert.Contains("\"error\":", text);
        }

        return response.StatusCode;
    }

    private static async Task CheckAsync(
        HttpClient client, LoadRequest[] requests, Predicate<int> goesOn)
    {
        var answers = new ConcurrentBag<(int Request, LoadAnswer Answer)>();
        var next = -1;
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => ClientAsync()));
        var seconds = watch.Elapsed.TotalSeconds;
        var page = await MetricsPage.UntilIdleAsync(client);
        Assert.Equal(0, page.Ended("error") + page.Ended("abort"));

        foreach (var streams in answers.GroupBy(answer => answer.Request))
        {
            var alone = await requests[streams.Key].AskWholeAsync(client);
            Assert.All(streams, stream => Assert.Equal(alone, stream.Answer));
        }

        Assert.True((await MetricsPage.UntilIdleAsync(client)).IsIdle);
        var generated = answers.Sum(answer => answer.Answer.Tokens);
        var prompts = answers.Sum(answer => requests[answer.Request].Prompt.Length);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{answers.Count} streams in {seconds:F1} s: prompt {prompts / seconds:F0} and "
            + $"generated {generated / seconds:F0} tokens/s");

        async Task ClientAsync()
        {
            for (var i = Next(); goesOn(i); i = Next())
            {
                var request = i % requests.Length;
                answers.Add((request, await requests[request].AskStreamAsync(client)));
            }
        }

        int Next() => Interlocked.Increment(ref next);
    }
}
