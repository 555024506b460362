// Collects what the instruments of this server report and writes it as Prometheus text 0.0.4 or
// OpenMetrics 1.0. A listener hears every meter of the process, so it is told which to follow.

using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace NanoFlow.Server.Metrics;

internal sealed class PrometheusExporter : IDisposable
{
    public const string TextType = "text/plain; version=0.0.4; charset=utf-8";
    public const string OpenMetricsType =
        "application/openmetrics-text; version=1.0.0; charset=utf-8";

    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, MetricFamily> _families =
        new(StringComparer.Ordinal);

    public PrometheusExporter(Func<Instrument, bool> follows)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (follows(instrument))
            {
                var family = MetricFamily.Of(instrument);
                listener.EnableMeasurementEvents(
                    instrument, _families.GetOrAdd(family.Name, family));
            }
        };
        _listener.SetMeasurementEventCallback<long>(
            static (_, value, tags, state) => ((MetricFamily)state!).Record(value, tags));
        _listener.SetMeasurementEventCallback<int>(
            static (_, value, tags, state) => ((MetricFamily)state!).Record(value, tags));
        _listener.SetMeasurementEventCallback<double>(
            static (_, value, tags, state) => ((MetricFamily)state!).Record(value, tags));
        _listener.Start();
    }

    public string Render(bool openMetrics)
    {
        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        foreach (var family in _families.Values.OrderBy(f => f.Name, StringComparer.Ordinal))
        {
            if (!family.IsEmpty)
            {
                Header(text, family, openMetrics);
                foreach (var series in family.Series.OrderBy(s => s.Labels, StringComparer.Ordinal))
                {
                    Series(text, family, series);
                }
            }
        }

        return text.Append(openMetrics ? "# EOF\n" : "").ToString();
    }

    public void Dispose() => _listener.Dispose();

    // OpenMetrics names a counter's family without _total, the older text with it.
    private static void Header(StringBuilder text, MetricFamily family, bool openMetrics)
    {
        var isCounter = family.Kind == MetricKind.Counter;
        var name = isCounter && !openMetrics ? family.Name + "_total" : family.Name;
        var kind = family.Kind switch
        {
            MetricKind.Counter => "counter",
            MetricKind.Gauge => "gauge",
            _ => "histogram",
        };
        var help = MetricText.Escape(family.Help, quotes: openMetrics);
        text.Append("# HELP ").Append(name).Append(' ').Append(help).Append('\n');
        text.Append("# TYPE ").Append(name).Append(' ').Append(kind).Append('\n');
        if (openMetrics && family.Unit.Length > 0)
        {
            text.Append("# UNIT ").Append(name).Append(' ').Append(family.Unit).Append('\n');
        }
    }

    private static void Series(StringBuilder text, MetricFamily family, MetricSeries series)
    {
        var (buckets, value) = series.Read();
        if (family.Kind != MetricKind.Histogram)
        {
            var name = family.Kind == MetricKind.Counter ? family.Name + "_total" : family.Name;
            Line(text, name, series.Labels, MetricText.Number(value));
            return;
        }

        var count = 0L;
        for (var i = 0; i < buckets.Length; i++)
        {
            count += buckets[i];
            var bound = i < family.Bounds.Length ? MetricText.Bound(family.Bounds[i]) : "+Inf";
            var comma = series.Labels.Length > 0 ? "," : "";
            Line(
                text,
                family.Name + "_bucket",
                $"{series.Labels}{comma}le=\"{bound}\"",
                count.ToString(CultureInfo.InvariantCulture));
        }

        Line(text, family.Name + "_sum", series.Labels, MetricText.Number(value));
        Line(
            text,
            family.Name + "_count",
            series.Labels,
            count.ToString(CultureInfo.InvariantCulture));
    }

    private static void Line(StringBuilder text, string name, string labels, string value)
    {
        text.Append(name);
        if (labels.Length > 0)
        {
            text.Append('{').Append(labels).Append('}');
        }

        text.Append(' ').Append(value).Append('\n');
    }
}
