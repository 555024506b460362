// The instruments of the server. Names follow vLLM's where the meaning is the same, so that known
// dashboards need a new prefix and nothing else. Buckets of latencies are spaced evenly on a log
// scale from 1 ms, with the usual objectives (0.2, 0.5, 1, 2, 4 s) exactly on a bound.

using System.Diagnostics.Metrics;
using NanoFlow.Engine;
using NanoFlow.Server.Generating;

namespace NanoFlow.Server.Metrics;

internal sealed class ServerMetrics
{
    public const string MeterName = "NanoFlow.Server";

    private static readonly double[] Seconds =
    [
        0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75,
        1, 1.5, 2, 3, 4, 6, 10, 20, 40, 80, 160, 320, 640, 1280,
    ];

    private static readonly double[] Tokens =
    [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000,
        200_000, 500_000, 1_000_000,
    ];

    private readonly Counter<long> _promptTokens;
    private readonly Counter<long> _generationTokens;
    private readonly Counter<long> _finished;
    private readonly Histogram<double> _endToEnd;
    private readonly Histogram<double> _queueTime;
    private readonly Histogram<double> _perOutputToken;
    private readonly Histogram<long> _requestPromptTokens;
    private readonly Histogram<long> _requestGenerationTokens;

    public ServerMetrics(IMeterFactory factory, InferenceEngine engine, string modelName)
    {
        var meter = factory.Create(new MeterOptions(MeterName)
        {
            Tags = [new KeyValuePair<string, object?>("model_name", modelName)],
        });
        TimeToFirstToken = Latency(
            meter, "nanoflow.time_to_first_token", "From the request to its first token.");
        InterTokenLatency = Latency(
            meter, "nanoflow.inter_token_latency", "Between two tokens of a choice.");
        _endToEnd = Latency(
            meter, "nanoflow.e2e_request_latency", "From the request to its last token.");
        _queueTime = Latency(
            meter, "nanoflow.request_queue_time", "From submission to admission by the scheduler.");
        _perOutputToken = Latency(
            meter,
            "nanoflow.request_time_per_output_token",
            "Mean time between the tokens of a request, after the first.");
        _promptTokens = meter.CreateCounter<long>(
            "nanoflow.prompt_tokens", null, "Prompt tokens of answered requests.");
        _generationTokens = meter.CreateCounter<long>(
            "nanoflow.generation_tokens", null, "Tokens generated for requests.");
        _finished = meter.CreateCounter<long>(
            "nanoflow.request_success", null, "Choices that ended, by the reason they ended for.");
        _requestPromptTokens = TokenCount(
            meter, "nanoflow.request_prompt_tokens", "Prompt tokens of a request.");
        _requestGenerationTokens = TokenCount(
            meter, "nanoflow.request_generation_tokens", "Generated tokens of a request.");
        EngineGauges.Create(meter, engine);
        PlanMetrics.Create(meter, engine);
    }

    public Histogram<double> TimeToFirstToken { get; }
    public Histogram<double> InterTokenLatency { get; }

    /// <summary>A request for text is over, properly or not.</summary>
    public void OnFinished(TextRun run, RequestTimes times)
    {
        var usage = run.Usage;
        _promptTokens.Add(usage.PromptTokens);
        _generationTokens.Add(usage.CompletionTokens);
        _requestPromptTokens.Record(usage.PromptTokens);
        _requestGenerationTokens.Record(usage.CompletionTokens);
        _endToEnd.Record(times.SinceStart.TotalSeconds);
        if (run.QueueTime is { } queued)
        {
            _queueTime.Record(queued.TotalSeconds);
        }

        if (times.PerOutputToken(usage.CompletionTokens, run.Choices.Count) is { } perToken)
        {
            _perOutputToken.Record(perToken.TotalSeconds);
        }

        foreach (var choice in run.Choices)
        {
            _finished.Add(
                1, new KeyValuePair<string, object?>("finished_reason", choice.Outcome));
        }
    }

    /// <summary>A request for embeddings was computed.</summary>
    public void OnEmbedded(int promptTokens, int inputs, RequestTimes times)
    {
        _promptTokens.Add(promptTokens);
        _requestPromptTokens.Record(promptTokens);
        _endToEnd.Record(times.SinceStart.TotalSeconds);
        _finished.Add(
            inputs, new KeyValuePair<string, object?>("finished_reason", "length"));
    }

    private static Histogram<double> Latency(Meter meter, string name, string help) =>
        meter.CreateHistogram(name, "s", help, null, new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = Seconds,
        });

    private static Histogram<long> TokenCount(Meter meter, string name, string help) =>
        meter.CreateHistogram(name, null, help, null, new InstrumentAdvice<long>
        {
            HistogramBucketBoundaries = Tokens.Select(bound => (long)bound).ToArray(),
        });
}
