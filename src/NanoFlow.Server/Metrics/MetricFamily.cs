// One metric of the exposition: name, kind, help, and a series for each set of labels.

using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace NanoFlow.Server.Metrics;

internal enum MetricKind
{
    Counter,
    Gauge,
    Histogram,
}

internal sealed class MetricFamily
{
    // Above any sensible number of routes times statuses; bounds what odd labels can cost.
    private const int MaxSeries = 2000;

    // The default of Prometheus client libraries, for instruments that advise nothing.
    private static readonly double[] DefaultBounds =
        [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly ConcurrentDictionary<string, MetricSeries> _series =
        new(StringComparer.Ordinal);

    private readonly string _meterLabels;

    private MetricFamily(Instrument instrument, MetricKind kind, double[] bounds)
    {
        Kind = kind;
        Bounds = bounds;
        Unit = MetricText.Unit(instrument.Unit);
        Name = MetricText.FamilyName(instrument.Name, Unit, kind);
        Help = instrument.Description ?? instrument.Name;
        _meterLabels = MetricText.Labels(instrument.Meter.Tags?.ToArray() ?? []);
        // A gauge says what is; so does an observed counter, which reports its running total. An
        // up-down counter is shown as a gauge, but says what changed.
        Replaces = instrument.IsObservable
            || instrument is Gauge<long> or Gauge<int> or Gauge<double>;
    }

    public string Name { get; }
    public string Help { get; }
    public string Unit { get; }
    public MetricKind Kind { get; }

    /// <summary>Upper bounds of the buckets; empty unless a histogram.</summary>
    public double[] Bounds { get; }

    public bool Replaces { get; }

    public IEnumerable<MetricSeries> Series => _series.Values;

    public bool IsEmpty => _series.IsEmpty;

    public static MetricFamily Of(Instrument instrument) => instrument switch
    {
        Histogram<double> h => Histogram(h, h.Advice?.HistogramBucketBoundaries),
        Histogram<long> h => Histogram(
            h, h.Advice?.HistogramBucketBoundaries?.Select(bound => (double)bound).ToArray()),
        Histogram<int> h => Histogram(
            h, h.Advice?.HistogramBucketBoundaries?.Select(bound => (double)bound).ToArray()),
        _ when FallsToo(instrument) => new MetricFamily(instrument, MetricKind.Gauge, []),
        Counter<long> or Counter<int> or Counter<double> or ObservableCounter<long>
            or ObservableCounter<int> or ObservableCounter<double> =>
            new MetricFamily(instrument, MetricKind.Counter, []),
        _ => new MetricFamily(instrument, MetricKind.Gauge, []),
    };

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = MetricText.Labels(tags, _meterLabels);
        if (!_series.TryGetValue(labels, out var series))
        {
            if (_series.Count >= MaxSeries)
            {
                return;
            }

            series = _series.GetOrAdd(labels, key => new MetricSeries(key, Bounds));
        }

        series.Record(value, Replaces);
    }

    // The runtime reports the threads and the queue of its pool as counters, which never fall.
    private static bool FallsToo(Instrument instrument) =>
        instrument.Name is "dotnet.thread_pool.thread.count" or "dotnet.thread_pool.queue.length";

    private static MetricFamily Histogram(Instrument instrument, IReadOnlyList<double>? bounds) =>
        new(instrument, MetricKind.Histogram, bounds?.ToArray() ?? DefaultBounds);
}

internal sealed class MetricSeries(string labels, double[] bounds)
{
    private readonly Lock _gate = new();
    private readonly long[] _buckets = new long[bounds.Length + 1];
    private double _value;

    /// <summary>As in the exposition, without braces.</summary>
    public string Labels { get; } = labels;

    public void Record(double value, bool replaces)
    {
        lock (_gate)
        {
            _value = replaces ? value : _value + value;
            if (bounds.Length > 0)
            {
                // A bucket holds what is at most its bound.
                var bucket = Array.BinarySearch(bounds, value);
                _buckets[bucket < 0 ? ~bucket : bucket]++;
            }
        }
    }

    /// <summary>A consistent copy: the buckets, and the value or the sum.</summary>
    public (long[] Buckets, double Value) Read()
    {
        lock (_gate)
        {
            return ([.. _buckets], _value);
        }
    }
}
