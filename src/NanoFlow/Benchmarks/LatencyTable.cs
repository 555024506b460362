// Latencies for people, a row each, and for programs, a key each: mean_ttft_ms, p99_ttft_ms.

using NanoFlow.Cli;

namespace NanoFlow.Benchmarks;

/// <param name="percentiles">0 to 100, ascending.</param>
internal sealed class LatencyTable(
    IReadOnlyList<LatencyMetric> metrics,
    IReadOnlyCollection<Answer> answers,
    IReadOnlyList<double> percentiles)
{
    private readonly (LatencyMetric Metric, Distribution? Times)[] _rows =
    [
        .. metrics.Select(metric =>
            (metric, Distribution.Of(answers.SelectMany(metric.Samples)))),
    ];

    /// <summary>Null where there is no sample, such as times between the tokens of answers with
    /// one.</summary>
    public void AddTo(Figures figures)
    {
        foreach (var (metric, times) in _rows)
        {
            var (key, _, _) = metric;
            figures.Add($"mean_{key}_ms", times?.Mean);
            figures.Add($"median_{key}_ms", times?.Median);
            figures.Add($"std_{key}_ms", times?.Deviation);
            foreach (var percent in percentiles)
            {
                figures.Add($"{Name(percent)}_{key}_ms", times?.Percentile(percent));
            }
        }
    }

    /// <summary>Without the rows that have no sample.</summary>
    public override string ToString()
    {
        var table = new Table(["ms", "mean", "median", "std", .. percentiles.Select(Name)]);
        foreach (var (metric, times) in _rows)
        {
            if (times is not null)
            {
                table.Add(
                [
                    metric.Label, Ms(times.Mean), Ms(times.Median), Ms(times.Deviation),
                    .. percentiles.Select(percent => Ms(times.Percentile(percent))),
                ]);
            }
        }
        return table.ToString();
    }

    private static string Name(double percent) => Text.Of($"p{percent}");

    private static string Ms(double ms) => Text.Of($"{ms:F2}");
}
