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
    public LoadRates Rates => new(Elapsed, Answers);

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
        var text = Text.Of($"{goodput:F2} requests/s");
        figures.Add("request_goodput", goodput is null ? "" : "request goodput", goodput, text);
    }
}

/// <param name="elapsed">That all of them took together.</param>
internal sealed class LoadRates(TimeSpan elapsed, IReadOnlyCollection<Answer> answers)
{
    private readonly double _seconds = elapsed.TotalSeconds;
    private readonly long _input = answers.Sum(answer => (long)answer.InputTokens);
    private readonly long _output = answers.Sum(answer => (long)answer.OutputTokens);

    public double RequestThroughput => answers.Count / _seconds;

    public double OutputThroughput => _output / _seconds;

    public double TotalThroughput => (_input + _output) / _seconds;

    public void AddTo(Figures figures)
    {
        figures.Add("duration", "duration", _seconds, Text.Of($"{_seconds:F2} s"));
        figures.Add("total_input_tokens", "input tokens", _input);
        figures.Add("total_output_tokens", "output tokens", _output);
        Add("request_throughput", "request throughput", RequestThroughput, "requests/s");
        Add("output_throughput", "output throughput", OutputThroughput, "tokens/s");
        Add("total_token_throughput", "total throughput", TotalThroughput, "tokens/s");

        void Add(string key, string label, double rate, string unit) =>
            figures.Add(key, label, rate, Text.Of($"{rate:F2} {unit}"));
    }
}
