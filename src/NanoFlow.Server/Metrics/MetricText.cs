// Names, labels and numbers as Prometheus wants to read them.

using System.Globalization;
using System.Text;

namespace NanoFlow.Server.Metrics;

internal static class MetricText
{
    /// <summary>A unit of an instrument as the end of a name; annotations such as {request} say
    /// nothing there.</summary>
    public static string Unit(string? unit) => unit switch
    {
        null or "" or "1" => "",
        "s" => "seconds",
        "ms" => "milliseconds",
        "By" => "bytes",
        _ => unit[0] == '{' ? "" : Name(unit),
    };

    public static string FamilyName(string instrument, string unit, MetricKind kind)
    {
        var name = Name(instrument);
        if (unit.Length > 0 && !name.EndsWith("_" + unit, StringComparison.Ordinal))
        {
            name += "_" + unit;
        }

        // Counters get _total where they are written. What is not a histogram must not end like
        // the count of one; some of the runtime's own instruments do.
        const string Total = "_total";
        const string Count = "_count";
        if (kind == MetricKind.Counter && name.EndsWith(Total, StringComparison.Ordinal))
        {
            return name[..^Total.Length];
        }

        return kind != MetricKind.Histogram && name.EndsWith(Count, StringComparison.Ordinal)
            ? name[..^Count.Length] + "_number"
            : name;
    }

    /// <param name="first">Labels that come before those of the tags.</param>
    public static string Labels(
        ReadOnlySpan<KeyValuePair<string, object?>> tags, string first = "")
    {
        if (tags.IsEmpty)
        {
            return first;
        }

        var text = new StringBuilder(first);
        foreach (var (name, value) in tags)
        {
            text.Append(text.Length > 0 ? "," : "").Append(Name(name)).Append("=\"");
            var plain = value is bool flag
                ? (flag ? "true" : "false")
                : Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
            text.Append(Escape(plain, quotes: true)).Append('"');
        }

        return text.ToString();
    }

    public static string Escape(string text, bool quotes)
    {
        var escaped = text.Replace("\\", "\\\\").Replace("\n", "\\n");
        return quotes ? escaped.Replace("\"", "\\\"") : escaped;
    }

    public static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    /// <summary>A bucket's bound: OpenMetrics wants 1.0, never 1.</summary>
    public static string Bound(double value)
    {
        var text = Number(value);
        return text.AsSpan().IndexOfAny('.', 'E', 'I') < 0 ? text + ".0" : text;
    }

    private static string Name(string text)
    {
        var name = string.Create(text.Length, text, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = char.IsAsciiLetterOrDigit(source[i]) ? source[i] : '_';
            }
        });
        return char.IsAsciiDigit(name[0]) ? "_" + name : name;
    }
}
