// Two servers under the same load, one at a time and by turns, so that a machine whose speed drifts
// is as kind to the one as to the other. Which of a pair comes first changes from pair to pair.

using NanoFlow.Cli;

namespace NanoFlow.Benchmarks;

/// <param name="Key">By vLLM's name.</param>
/// <param name="Of">Null when the load has no such figure.</param>
internal sealed record ComparedFigure(string Key, string Unit, Func<LoadResult, double?> Of)
{
    public static IReadOnlyList<ComparedFigure> All { get; } =
    [
        new("total_token_throughput", "tokens/s", result => result.Rates.TotalThroughput),
        new("output_throughput", "tokens/s", result => result.Rates.OutputThroughput),
        new("request_throughput", "requests/s", result => result.Rates.RequestThroughput),
        .. LatencyMetric.All.SelectMany(Latencies),
    ];

    private static IEnumerable<ComparedFigure> Latencies(LatencyMetric metric)
    {
        var (key, _, samples) = metric;
        yield return new($"median_{key}_ms", "ms", result => Times(result)?.Median);
        yield return new($"p99_{key}_ms", "ms", result => Times(result)?.Percentile(99));

        Distribution? Times(LoadResult result) =>
            Distribution.Of(result.Answers.SelectMany(samples));
    }
}

/// <param name="Figure">What is compared.</param>
/// <param name="Ratio">Of the first to the second server, pair by pair.</param>
internal sealed record Comparison(
    ComparedFigure Figure, Distribution First, Distribution Second, Distribution Ratio);

internal static class ServerComparison
{
    /// <param name="run">Loads a server, 0 or 1, in a pair, from 0.</param>
    public static async Task<IReadOnlyList<(LoadResult First, LoadResult Second)>> RunAsync(
        int pairs, Func<int, int, Task<LoadResult>> run)
    {
        var results = new List<(LoadResult, LoadResult)>();
        for (var pair = 0; pair < pairs; pair++)
        {
            var first = pair % 2;
            var one = await run(first, pair);
            var other = await run(1 - first, pair);
            results.Add(first == 0 ? (one, other) : (other, one));
        }
        return results;
    }

    /// <summary>Without the figures that a load does not have.</summary>
    public static IReadOnlyList<Comparison> Of(
        IReadOnlyList<(LoadResult First, LoadResult Second)> pairs) =>
    [
        .. from figure in ComparedFigure.All
           let values = pairs.Select(
               pair => (First: figure.Of(pair.First), Second: figure.Of(pair.Second))).ToArray()
           where values.All(pair => pair is { First: not null, Second: > 0 })
           select new Comparison(
               figure,
               new Distribution(values.Select(pair => pair.First!.Value)),
               new Distribution(values.Select(pair => pair.Second!.Value)),
               new Distribution(values.Select(pair => pair.First!.Value / pair.Second!.Value))),
    ];

    /// <summary>A table in Markdown: median (least..most) of the runs.</summary>
    public static string ToMarkdown(
        IReadOnlyList<Comparison> rows, string first, string second) =>
        $"| | {first} | {second} | ratio |\n|---|---|---|---|\n" + string.Concat(rows.Select(row =>
            $"| {row.Figure.Key} ({row.Figure.Unit}) | {Cell(row.First, 1)} "
            + $"| {Cell(row.Second, 1)} | {Cell(row.Ratio, 3)} |\n"));

    public static void AddTo(Figures figures, IReadOnlyList<Comparison> rows)
    {
        foreach (var row in rows)
        {
            Add("first", row.First);
            Add("second", row.Second);
            Add("ratio", row.Ratio);

            void Add(string whose, Distribution values)
            {
                figures.Add($"{whose}_{row.Figure.Key}", values.Median);
                figures.Add($"{whose}_{row.Figure.Key}_min", values.Least);
                figures.Add($"{whose}_{row.Figure.Key}_max", values.Most);
            }
        }
    }

    private static string Cell(Distribution values, int decimals)
    {
        return $"{Text(values.Median)} ({Text(values.Least)}..{Text(values.Most)})";

        // Small numbers, such as milliseconds a token, keep three digits.
        string Text(double value) => value.ToString(
            $"F{(Math.Abs(value) < 100 ? Math.Max(2, decimals) : decimals)}",
            System.Globalization.CultureInfo.InvariantCulture);
    }
}
