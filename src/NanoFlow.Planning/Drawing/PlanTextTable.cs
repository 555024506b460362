namespace NanoFlow.Planning.Drawing;

/// <summary>The nano-ops of the layer below the lanes, one a line, in issue order.</summary>
internal static class PlanTextTable
{
    private const int Gap = 2;
    private const int MinName = 8;

    public static IEnumerable<string> Draw(
        PlanBucket bucket, NanoOpLabel[] labels, SteadyState state, int columns)
    {
        var axis = new TimeAxis(state.Window, maxTicks: 1);
        var spans = bucket.Predicted.ToDictionary(span => span.NanoOp);
        string[][] rows =
        [
            ["", "nano-op", "", "lane", "rows", "units", "begin", $"end {axis.Unit}"],
            .. Enumerable.Range(0, labels.Length)
                .Where(i => labels[i].Op.Segment == Segment.Layer)
                .Select(i => Row(labels[i], spans.TryGetValue(i, out var s) ? s : null, axis)),
        ];
        var layer = Array.FindAll(labels, label => label.Op.Segment == Segment.Layer);
        var used = rows[0].Length - (spans.Count == 0 ? 2 : 0);
        var widths = Enumerable.Range(0, used)
            .Select(column => rows.Max(row => row[column].Length))
            .ToArray();
        // The name gives way when the line is short.
        var excess = widths.Sum() + Gap * (used - 1) - columns;
        widths[1] = Math.Max(MinName, widths[1] - Math.Max(0, excess));
        for (var i = 0; i < layer.Length; i++)
        {
            rows[i + 1][1] = layer[i].Short(widths[1], "..");
        }
        foreach (var row in rows)
        {
            var line = string.Join(
                new string(' ', Gap), row.Take(used).Select((text, c) => Fit(text, widths[c], c)));
            yield return line[..Math.Min(line.Length, columns)];
        }
    }

    private static string[] Row(NanoOpLabel label, PredictedSpan? span, TimeAxis axis) =>
    [
        label.Key.ToString(),
        label.Name,
        PlanText.Fill(label.Op.Resource).ToString(),
        $"{label.Lane}",
        $"{label.RowBegin}-{label.RowEnd}",
        $"{label.Units}",
        span is { } known ? axis.Text(known.Begin) : "",
        span is { } same ? axis.Text(same.End) : "",
    ];

    // Text to the left, numbers to the right.
    private static string Fit(string text, int width, int column) => column < 3
        ? text[..Math.Min(text.Length, width)].PadRight(width)
        : text.PadLeft(width);
}
