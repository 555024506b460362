// Clients that ask for much and read next to nothing. Their tokens are computed all the same, so
// their pages come back; what they do not fetch costs memory for a while, but nobody else's time.

using System.Diagnostics;

namespace NanoFlow.EndToEnd.Tests;

public sealed class LoadSlowReaderTests
{
    private const int Choices = 16;

    // An answer is some 8 MB of events, more than the sockets of both sides hold (4 MB on Linux).
    private static readonly LoadRequest Much = LoadWorkload.Long(seed: 11, maxTokens: 400);
    private static readonly string MuchMore = $",\"stream\":true,\"n\":{Choices},\"logprobs\":20";

    [Fact]
    public async Task Readers_OfNothing_DelayNobodyAndHoldNoPages()
    {
        const int Readers = 2;
        var (process, client) = await ServeAsync();
        await using var running = process;
        using var http = client;
        var requests = LoadWorkload.Create(seed: 12, 20, LoadShape.TinyLlama);
        var alone = await Task.WhenAll(requests.Select(request => request.AskWholeAsync(client)));
        var slow = await StartAsync(client, Readers);
        var beside = await Task.WhenAll(requests.Select(
            request => request.AskStreamAsync(client)));
        var idle = await MetricsPage.UntilIdleAsync(client);
        var after = await Task.WhenAll(requests.Select(request => request.AskStreamAsync(client)));
        Array.ForEach(slow, reader => reader.Reset());
        // All of them end. As what depends on how much was on its way when the connection broke.
        await MetricsPage.UntilAsync(
            client,
            "the slow ones are gone",
            page => page.Ended() == (alone.Length * 3) + (Readers * Choices));

        Assert.Equal(alone, beside);
        Assert.Equal(alone, after);
        // Their answers had been computed, but could not be written.
        Assert.Equal(1 + Readers, idle["http_server_active_requests"]);
    }

    [Fact]
    public async Task Readers_OfAByteASecond_AreDropped()
    {
        const int Readers = 20;
        Assert.SkipUnless(
            Environment.GetEnvironmentVariable("NANOFLOW_TEST_SCALE") == "large",
            "slow readers need their time: NANOFLOW_TEST_SCALE=large");
        var (process, client) = await ServeAsync();
        await using var running = process;
        using var http = client;
        var before = ResidentBytes(process);
        var slow = await StartAsync(client, Readers);
        await MetricsPage.UntilIdleAsync(client);
        var during = ResidentBytes(process);
        using var second = new PeriodicTimer(TimeSpan.FromSeconds(1));
        var watch = Stopwatch.StartNew();
        MetricsPage page;
        while ((page = await MetricsPage.ReadAsync(client)).Ended() < Readers * Choices)
        {
            Assert.True(watch.Elapsed < TimeSpan.FromHours(1), "they are still connected");
            await second.WaitForNextTickAsync();
            await Task.WhenAll(slow.Select(reader => reader.ReadByteAsync()));
        }

        Assert.InRange(page.Ended("abort"), Readers, Readers * Choices);
        Array.ForEach(slow, reader => reader.Dispose());
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"dropped after {watch.Elapsed.TotalSeconds:F0} s; resident {before >> 20} MiB before, "
            + $"{during >> 20} MiB while they read");
    }

    private static Task<(NanoFlowProcess Process, HttpClient Client)> ServeAsync() =>
        NanoFlowProcess.ServeAsync(LoadWorkload.TinyLlama, "--kv-cache-memory-bytes", "64m");

    private static async Task<LoadSocket[]> StartAsync(HttpClient client, int count)
    {
        var readers = await Task.WhenAll(Enumerable.Range(0, count).Select(
            _ => LoadSocket.SendAsync(client, Much.Body(MuchMore))));
        foreach (var reader in readers)
        {
            await reader.ReadPastAsync("data: ", 1);
        }

        return readers;
    }

    private static long ResidentBytes(NanoFlowProcess process)
    {
        using var seen = Process.GetProcessById(process.Id);
        return seen.WorkingSet64;
    }
}
