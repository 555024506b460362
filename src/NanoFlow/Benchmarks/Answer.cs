// What a request brought, and the latencies that are made of it.

namespace NanoFlow.Benchmarks;

/// <param name="FirstTokenMs">From sending the request to the first text.</param>
/// <param name="EndMs">From sending the request to the end of the answer.</param>
/// <param name="GapsMs">Between consecutive pieces of text; a piece may hold several
/// tokens.</param>
internal sealed record Answer(
    int InputTokens,
    int OutputTokens,
    double FirstTokenMs,
    double EndMs,
    IReadOnlyList<float> GapsMs);

/// <param name="Key">Its part of a JSON key, as in mean_ttft_ms.</param>
/// <param name="Label">In tables.</param>
/// <param name="Samples">Of an answer, in milliseconds.</param>
internal sealed record LatencyMetric(
    string Key, string Label, Func<Answer, IEnumerable<double>> Samples)
{
    public static readonly LatencyMetric TimeToFirstToken =
        new("ttft", "TTFT", answer => [answer.FirstTokenMs]);

    public static readonly LatencyMetric TimePerOutputToken =
        new("tpot", "TPOT", answer => answer.OutputTokens > 1
            ? [(answer.EndMs - answer.FirstTokenMs) / (answer.OutputTokens - 1)]
            : []);

    public static readonly LatencyMetric InterTokenLatency =
        new("itl", "ITL", answer => answer.GapsMs.Select(gap => (double)gap));

    public static readonly LatencyMetric EndToEnd = new("e2el", "E2EL", answer => [answer.EndMs]);

    /// <summary>Those with one value a request.</summary>
    public static IReadOnlyList<LatencyMetric> OfRequests { get; } =
        [TimeToFirstToken, TimePerOutputToken, EndToEnd];

    public static IReadOnlyList<LatencyMetric> All { get; } =
        [TimeToFirstToken, TimePerOutputToken, InterTokenLatency, EndToEnd];
}
