// Clients that ask for much and read next to nothing. Their tokens are computed all the same, so
// their pages come back; what they do not fetch may cost memory, but bounded, and no one else's
// time.

using System.Diagnostics;

namespace NanoFlow.EndToEnd.Tests;

public sealed class LoadSlowReaderTests
{
    private const int Readers = 20;

    // Each answer is some 3 MB of events, more than the sockets of both sides hold.
    private static readonly LoadRequest Much = LoadWorkload.Long(seed: 11, maxTokens: 400);
    private static readonly string MuchMore = ",\"stream\":true,\"n\":6,\"logprobs\":20";

    [Fact]
    public async Task Readers_OfNothing_DelayNobodyAndHoldNoPages()
    {
        var (process, client) = await ServeAsync();
        await using var running = process;
        using var http = client;
        var requests = LoadWorkload.Create(seed: 12, 20, LoadShape.TinyLlama);
        var alone = await Task.WhenAll(requests.Select(request => request.AskWholeAsync(client)));
        var slow = await StartAsync(client);
        var beside = await Task.WhenAll(requests.Select(
            request => request.AskStreamAsync(client)));
        await MetricsPage.UntilIdleAsync(client);
        var after = await Task.WhenAll(requests.Select(request => request.AskStreamAsync(client)));
        Array.ForEach(slow, reader => reader.Dispose());
        var end = await MetricsPage.UntilAsync(
            client, "the slow ones are gone", page => Ended(page) == alone.Length * 3 + Readers * 6);

        Assert.Equal(alone, beside);
        Assert.Equal(alone, after);
        Assert.Equal(0, end.Ended("error"));
    }

    [Fact]
    public async Task Readers_OfAByteASecond_AreDropped()
    {
        Assert.SkipUnless(
            Environment.GetEnvironmentVariable("NANOFLOW_TEST_SCALE") == "large",
            "slow readers need their time: NANOFLOW_TEST_SCALE=large");
        var (process, client) = await ServeAsync();
        await using var running = process;
        using var http = client;
        var before = ResidentBytes(process);
        var slow = await StartAsync(client);
        await MetricsPage.UntilIdleAsync(client);
        var during = ResidentBytes(process);
        using var second = new PeriodicTimer(TimeSpan.FromSeconds(1));
        var seconds = 0;
        do
        {
            await second.WaitForNextTickAsync();
            seconds++;
            var page = await MetricsPage.ReadAsync(client);
            if (Ended(page) == Readers * 6)
            {
                break;
            }
        }
        while ((await Task.WhenAll(slow.Select(reader => reader.ReadByteAsync()))).Length > 0);

        Array.ForEach(slow, reader => reader.Dispose());
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"all over after {seconds} s; resident {before >> 20} MiB before, {during >> 20} MiB "
            + "while they read");
        // Their answers as tokens and log-probabilities, and 64 KiB each that wait for the socket.
        Assert.InRange(during - before, long.MinValue, 256L << 20);
    }

    private static Task<(NanoFlowProcess Process, HttpClient Client)> ServeAsync() =>
        NanoFlowProcess.ServeAsync(LoadWorkload.TinyLlama, "--kv-cache-memory-bytes", "32m");

    private static async Task<LoadSocket[]> StartAsync(HttpClient client)
    {
        var readers = await Task.WhenAll(Enumerable.Range(0, Readers).Select(
            _ => LoadSocket.SendAsync(client, Much.Body(MuchMore))));
        foreach (var reader in readers)
        {
            await reader.ReadPastAsync("data: ", 1);
        }

        return readers;
    }

    private static double Ended(MetricsPage page) => page["nanoflow_request_success_total"];

    private static long ResidentBytes(NanoFlowProcess process)
    {
        using var seen = Process.GetProcessById(process.Id);
        return seen.WorkingSet64;
    }
}
