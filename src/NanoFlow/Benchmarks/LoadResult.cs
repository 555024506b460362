// What a load has brought, and its figures by the names that vLLM's client has for them.

using NanoFlow.Cli;

namespace NanoFlow.Benchmarks;

/// <param name="Elapsed">From the first request to the end of the last.</param>
/// <param name="PeakConcurrency">The most requests that were in flight at once.</param>
internal sealed record LoadResult(
    IReadOnlyCollection<Answer> Answers,
    FailureCounts Failures,
    TimeSpan Elapsed,
    int PeakConcurrency)
{
    public LoadRates Rates => new(
        Elapsed,
        Answers.Count,
        Answers.Sum(answer => (long)answer.InputTokens),
        Answers.Sum(answer => (long)answer.OutputTokens));

    /// <summary>Requests a second that met all objectives.</summary>
    public double Goodput(IReadOnlyList<Objective> objectives) => Answers.Count(
        answer => objectives.All(one => one.IsMetBy(answer))) / Elapsed.TotalSeconds;

    /// <param name="objectives">Without any there is no goodput.</param>
    public void AddTo(Figures figures, IReadOnlyList<Objective> objectives)
    {
        figures.Add(
            "completed", "requests", Answers.Count,
            $"{Answers.Count} completed, {Failures.Total} failed");
        figures.Add("failed", Failures.Total);
        figures.Add("max_concurrent_requests", "in flight at most", PeakConcurrency);
        Rates.AddTo(figures);
        double? goodput = objectives.Count > 0 ? Goodput(objectives) : null;
        var text = goodput is { } rate
            ? LoadRates.Text(rate) + ", objectives met"
            : "not asked for: --goodput";
        figures.Add("request_goodput", "good requests", goodput, text);
    }
}

/// <param name="Requests">That were answered.</param>
internal sealed record LoadRates(
    TimeSpan Elapsed, int Requests, long InputTokens, long OutputTokens)
{
    private readonly double _seconds = Elapsed.TotalSeconds;

    public double RequestThroughput => Requests / _seconds;

    public double OutputThroughput => OutputTokens / _seconds;

    public double TotalThroughput => (InputTokens + OutputTokens) / _seconds;

    public void AddTo(Figures figures)
    {
        figures.Add("duration", "duration", _seconds, Cli.Text.Of($"{_seconds:F2} s"));
        figures.Add("total_input_tokens", "input tokens", InputTokens);
        figures.Add("total_output_tokens", "output tokens", OutputTokens);
        Add("request_throughput", "requests", RequestThroughput);
        Add("output_throughput", "output tokens", OutputThroughput);
        Add("total_token_throughput", "input and output tokens", TotalThroughput);

        void Add(string key, string label, double rate) =>
            figures.Add(key, label, rate, Text(rate));
    }

    public static string Text(double rate) => Cli.Text.Of($"{rate:F2} a second");
}
