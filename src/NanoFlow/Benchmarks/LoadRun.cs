// Sends the requests of a workload to a server: each at its time, but never more at once than
// allowed; one that must wait is sent as soon as another has ended. Latencies count from when a
// request is sent.

using System.Collections.Concurrent;
using System.Diagnostics;

namespace NanoFlow.Benchmarks;

/// <param name="Arrivals">Since the start, ascending; null: all at once.</param>
/// <param name="MaxConcurrency">Requests in flight at once.</param>
/// <param name="LeastToken">The smallest token id of prompts.</param>
/// <param name="MostToken">The largest.</param>
internal sealed record LoadOptions(
    IReadOnlyList<TimeSpan>? Arrivals, int MaxConcurrency, int LeastToken, int MostToken);

internal sealed class LoadRun(
    CompletionClient client, CompletionFields fields, Workload workload, LoadOptions options)
{
    // What a timer can wait for at a time, and less.
    private static readonly TimeSpan LongestDelay = TimeSpan.FromDays(1);

    private readonly ConcurrentBag<Answer> _answers = [];
    private readonly FailureCounts _failures = new();
    private readonly Lock _oneCall = new();
    private int _running;
    private int _peak;
    private int _ended;

    /// <summary>Requests that are not measured, with prompts of their own.</summary>
    /// <exception cref="RequestFailure">One of them failed.</exception>
    public async Task WarmUpAsync(int count)
    {
        using var free = new SemaphoreSlim(options.MaxConcurrency);
        await Task.WhenAll(Enumerable.Range(workload.Requests.Count, count).Select(async index =>
        {
            await free.WaitAsync();
            try
            {
                await AskAsync(index);
            }
            finally
            {
                free.Release();
            }
        }));
    }

    /// <param name="progress">Is told how many requests have ended, one call at a time.</param>
    public async Task<LoadResult> RunAsync(Action<int> progress)
    {
        var running = new Task[workload.Requests.Count];
        using var free = new SemaphoreSlim(options.MaxConcurrency);
        var begin = Stopwatch.GetTimestamp();
        for (var i = 0; i < running.Length; i++)
        {
            await DelayUntilAsync(begin, options.Arrivals?[i] ?? TimeSpan.Zero);
            await free.WaitAsync();
            running[i] = CountAsync(i, free, progress);
        }
        await Task.WhenAll(running);
        return new LoadResult(_answers, _failures, Stopwatch.GetElapsedTime(begin), _peak);
    }

    private static async Task DelayUntilAsync(long begin, TimeSpan due)
    {
        while (due - Stopwatch.GetElapsedTime(begin) is var left && left > TimeSpan.Zero)
        {
            await Task.Delay(left < LongestDelay ? left : LongestDelay);
        }
    }

    private async Task CountAsync(int index, SemaphoreSlim free, Action<int> progress)
    {
        // Only the loop that sends raises the count, so the peak needs no lock.
        _peak = Math.Max(_peak, Interlocked.Increment(ref _running));
        try
        {
            _answers.Add(await AskAsync(index));
        }
        catch (RequestFailure e)
        {
            _failures.Add(e.Message);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
            free.Release();
        }
        lock (_oneCall)
        {
            progress(++_ended);
        }
    }

    private Task<Answer> AskAsync(int index)
    {
        var lengths = workload.Requests[index % workload.Requests.Count];
        var prompt = new int[lengths.Input];
        workload.FillPrompt(index, prompt, options.LeastToken, options.MostToken);
        return client.AskAsync(fields.Write(prompt, lengths.Output), lengths);
    }
}
