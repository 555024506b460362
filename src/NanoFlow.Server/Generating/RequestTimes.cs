// When things happened to one request: what the log line and the histograms of latency say.
// Choices run side by side, so the first token of any of them is the request's first.

using NanoFlow.Server.Metrics;

namespace NanoFlow.Server.Generating;

internal sealed class RequestTimes(TimeProvider time, ServerMetrics metrics)
{
    private readonly long _start = time.GetTimestamp();
    private readonly Lock _gate = new();
    private long _first;
    private long _last;

    public TimeSpan SinceStart => time.GetElapsedTime(_start);

    public TimeSpan? ToFirstToken => _first == 0 ? null : time.GetElapsedTime(_start, _first);

    /// <summary>Mean time between the tokens of one choice, after its first.</summary>
    public TimeSpan? PerOutputToken(int tokens, int choices)
    {
        var gaps = tokens - choices;
        return gaps <= 0 ? null : time.GetElapsedTime(_first, _last) * choices / gaps;
    }

    /// <summary>A token of some choice arrived.</summary>
    /// <param name="previous">Timestamp of the choice's previous token; 0 for its first.</param>
    /// <returns>Its timestamp.</returns>
    public long OnToken(long previous)
    {
        var now = time.GetTimestamp();
        lock (_gate)
        {
            if (_first == 0)
            {
                _first = now;
                metrics.TimeToFirstToken.Record(time.GetElapsedTime(_start, now).TotalSeconds);
            }

            _last = now;
        }

        if (previous != 0)
        {
            metrics.InterTokenLatency.Record(time.GetElapsedTime(previous, now).TotalSeconds);
        }

        return now;
    }
}
