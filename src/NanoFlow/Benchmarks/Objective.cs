// What a good answer is, and how many there were: goodput counts the requests that meet every
// objective (DistServe, arXiv 2401.09670).

using System.Globalization;

namespace NanoFlow.Benchmarks;

/// <param name="Metric">Which latency.</param>
/// <param name="MostMs">That is still good, in milliseconds.</param>
internal sealed record Objective(LatencyMetric Metric, double MostMs)
{
    // An hour: more is no objective but a mistake.
    private const double LargestMs = 3.6e6;

    public static string Range { get; } =
        $"ttft:MS, tpot:MS or e2el:MS, each above 0 and at most {LargestMs:F0} ms";

    public static bool TryRead(string text, out Objective objective)
    {
        objective = null!;
        var parts = text.Split(':');
        if (parts.Length != 2
            || !double.TryParse(
                parts[1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var ms)
            || ms is not (> 0 and <= LargestMs))
        {
            return false;
        }
        var metric = LatencyMetric.OfRequests.FirstOrDefault(one => one.Key == parts[0]);
        objective = new Objective(metric!, ms);
        return metric is not null;
    }

    /// <summary>An answer of one token has no time between tokens, so none that is too long.
    /// </summary>
    public bool IsMetBy(Answer answer) => Metric.Samples(answer).All(ms => ms <= MostMs);
}
