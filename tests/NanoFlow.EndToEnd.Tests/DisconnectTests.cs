// Clients that go away, at every moment of a request. What was computed for them stops, their pages
// come back, and nobody else notices.

namespace NanoFlow.EndToEnd.Tests;

public sealed class DisconnectTests
{
    private const string Stream = ",\"stream\":true";

    private enum Moment
    {
        InTheMiddleOfTheBody,
        AfterTheBody,
        AfterTheHeaders,
        AfterTheFirstEvent,
        InTheMiddleOfTheEvents,
        BeforeAWholeAnswer,
    }

    [Fact]
    public async Task Clients_LeavingAtAnyMoment_DisturbNobody()
    {
        var (process, client) = await NanoFlowProcess.ServeAsync(
            LoadWorkload.TinyLlama, "--kv-cache-memory-bytes", "16m", "--max-num-seqs", "16");
        await using var running = process;
        using var http = client;
        var bystanders = LoadWorkload.Create(seed: 7, 10, LoadShape.TinyLlama);
        var alone = await AskAsync(client, bystanders);
        var leaving = Task.WhenAll(Enum.GetValues<Moment>().SelectMany(
            moment => Enumerable.Range(0, 25).Select(i => LeaveAsync(client, moment, i))));
        do
        {
            Assert.Equal(alone, await AskAsync(client, bystanders));
        }
        while (!leaving.IsCompleted);

        await leaving;
        var page = await MetricsPage.UntilIdleAsync(client);
        Assert.Equal(alone, await AskAsync(client, bystanders));
        Assert.True(page.Ended("abort") > 0);
        Assert.Equal(0, page.Ended("error"));
        await AssertQuietEndAsync(process);
    }

    [Fact]
    public async Task Clients_LeavingWhileTheyWait_AreNotComputed()
    {
        const int Stayers = 8;
        const int Leavers = 64;
        const int Choices = 16;
        var (process, client) = await NanoFlowProcess.ServeAsync(
            LoadWorkload.TinyLlama,
            "--kv-cache-memory-bytes", "16m",
            "--max-num-seqs", "2",
            "--max-num-queued-reqs", "4096");
        await using var running = process;
        using var http = client;
        // Two choices run at a time, so most of these wait, and all that come after them.
        var many = LoadWorkload.Long(seed: 9, maxTokens: 400);
        many = many with { Sampling = many.Sampling + $",\"n\":{Choices}" };
        var stayers = await Task.WhenAll(
            Enumerable.Range(0, Stayers).Select(_ => many.StartStreamAsync(client)));
        using var leave = new CancellationTokenSource();
        var leavers = Enumerable.Range(0, Leavers)
            .Select(_ => client.PostAsync("/v1/completions", many.Body(""), leave.Token))
            .ToArray();
        await WaitingAsync(client, "most of them wait", n => n >= Leavers * Choices);
        await leave.CancelAsync();
        await WaitingAsync(client, "all of them have left", n => n <= Stayers * Choices);
        Array.ForEach(stayers, stayer => stayer.Dispose());
        var idle = await MetricsPage.UntilIdleAsync(client);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(leavers));
        Assert.InRange(
            idle["nanoflow_step_rows_total"],
            1,
            Stayers * Choices * (many.Prompt.Length + many.MaxTokens));
        await AssertQuietEndAsync(process);
    }

    private static Task<MetricsPage> WaitingAsync(
        HttpClient client, string what, Predicate<double> isSo) =>
        MetricsPage.UntilAsync(
            client, what, page => isSo(page["nanoflow_num_requests_waiting"]));

    private static async Task LeaveAsync(HttpClient client, Moment moment, int index)
    {
        var request = LoadWorkload.Long(seed: index, maxTokens: 100 + index);
        using var body = request.Body(moment == Moment.BeforeAWholeAnswer ? "" : Stream);
        using var socket = await LoadSocket.SendAsync(
            client, body, moment == Moment.InTheMiddleOfTheBody ? 0.5 : 1);
        if (moment == Moment.AfterTheHeaders)
        {
            await socket.ReadPastAsync("\r\n\r\n", 1);
        }
        else if (moment == Moment.AfterTheFirstEvent)
        {
            await socket.ReadPastAsync("data: ", 1);
        }
        else if (moment == Moment.InTheMiddleOfTheEvents)
        {
            await socket.ReadPastAsync("data: ", 2 + index);
        }

        if (index % 2 == 0)
        {
            socket.Reset();
        }
    }

    private static Task<LoadAnswer[]> AskAsync(HttpClient client, LoadRequest[] requests) =>
        Task.WhenAll(requests.Select((request, index) => index % 2 == 0
            ? request.AskStreamAsync(client)
            : request.AskWholeAsync(client)));

    // A client that leaves is no fault of the program: no stack trace in its log.
    private static async Task AssertQuietEndAsync(NanoFlowProcess process)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await process.TerminateAsync();
        var finished = await process.FinishAsync();
        Assert.Equal(0, finished.ExitCode);
        Assert.False(finished.Errors.Contains("   at ", StringComparison.Ordinal), finished.Errors);
    }
}
