// What is asked: the lengths of each request, and when it comes where a trace says so. Prompts are
// random tokens, drawn anew for every request: no two share a prefix, so no cache of prefixes
// shortens the work. The same seed gives the same workload.

namespace NanoFlow.Benchmarks;

internal sealed class Workload
{
    // Sets lengths apart from prompts, whose streams are numbered from 0, and from arrivals.
    private const ulong LengthStream = ulong.MaxValue - 1;

    private readonly int _seed;

    private Workload(Lengths[] requests, int seed)
    {
        Requests = requests;
        _seed = seed;
    }

    public IReadOnlyList<Lengths> Requests { get; }

    /// <summary>Since the start, ascending, one a request; null when the workload does not say.
    /// </summary>
    public IReadOnlyList<TimeSpan>? Arrivals { get; private init; }

    public long InputTokens => Requests.Sum(request => (long)request.Input);

    public long OutputTokens => Requests.Sum(request => (long)request.Output);

    /// <summary>Of the longest request, prompt and answer together.</summary>
    public int LongestTokens => Requests.Max(request => request.Input + request.Output);

    /// <param name="mean">The middle of the ranges that lengths are drawn from.</param>
    /// <param name="rangeRatio">Half a range's width as a share of its middle, 0 to 1, without
    /// 1.</param>
    public static Workload Random(int count, Lengths mean, double rangeRatio, int seed)
    {
        var random = new RandomStream((ulong)seed, LengthStream);
        var requests = new Lengths[count];
        foreach (ref var request in requests.AsSpan())
        {
            request = new Lengths(
                Draw(ref random, mean.Input, rangeRatio),
                Draw(ref random, mean.Output, rangeRatio));
        }
        return new Workload(requests, seed);
    }

    /// <summary>Requests with the lengths of rows that are drawn from a trace.</summary>
    /// <param name="longest">What is longer is cut to this.</param>
    public static Workload Sample(
        int count, IReadOnlyList<TraceRow> trace, Lengths longest, int seed)
    {
        var random = new RandomStream((ulong)seed, LengthStream);
        var requests = new Lengths[count];
        foreach (ref var request in requests.AsSpan())
        {
            var row = trace[random.NextBetween(0, trace.Count - 1)];
            request = Clip(row.Lengths, longest);
        }
        return new Workload(requests, seed);
    }

    /// <summary>The requests of a trace at the trace's times.</summary>
    public static Workload Replay(IReadOnlyList<TraceRow> trace, Lengths longest, int seed) =>
        new([.. trace.Select(row => Clip(row.Lengths, longest))], seed)
        {
            Arrivals = [.. trace.Select(row => row.Arrival)],
        };

    /// <param name="index">Of the request. From the number of requests on, prompts for warming up.
    /// </param>
    /// <param name="leastToken">The smallest token id that may come.</param>
    /// <param name="mostToken">The largest.</param>
    public void FillPrompt(int index, Span<int> prompt, int leastToken, int mostToken)
    {
        var random = new RandomStream((ulong)_seed, (ulong)index);
        foreach (ref var token in prompt)
        {
            token = random.NextBetween(leastToken, mostToken);
        }
    }

    private static int Draw(ref RandomStream random, int mean, double rangeRatio) =>
        random.NextBetween(
            Math.Max(1, (int)Math.Floor(Whole(mean * (1 - rangeRatio)))),
            (int)Math.Min(LoadLimits.Tokens, Math.Ceiling(Whole(mean * (1 + rangeRatio)))));

    // 100 * 1.1 is a little more than 110.
    private static double Whole(double length) => Math.Round(length, 6);

    private static Lengths Clip(Lengths lengths, Lengths longest) => new(
        Math.Min(lengths.Input, longest.Input), Math.Min(lengths.Output, longest.Output));
}
