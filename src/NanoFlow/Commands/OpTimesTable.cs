// Where the time of a traced step went: a row for each op, the longest first.

using NanoFlow.Cli;
using NanoFlow.Planning;
using NanoFlow.Planning.Drawing;

namespace NanoFlow.Commands;

internal static class OpTimesTable
{
    /// <summary>Shares are of the time in which lanes were busy.</summary>
    public static string Of(StepTrace trace)
    {
        var ops = trace.Graph.Ops.ToDictionary(op => (op.Segment, op.Index));
        var rows = trace.Spans
            .GroupBy(span => trace.Plan.NanoOps[span.NanoOp])
            .GroupBy(launches => ops[(launches.Key.Segment, launches.Key.Op)])
            .Select(launches => Row.Of(trace, launches.Key, [.. launches.SelectMany(of => of)]))
            .OrderByDescending(row => row.Microseconds)
            .ToList();
        var busy = rows.Sum(row => row.Microseconds);
        var table = new Table("op", "ms", "share", "launches", "GFLOP/s", "GB/s");
        foreach (var row in rows)
        {
            table.Add(
                row.Name,
                Text.Of($"{row.Microseconds / 1e3:F2}"),
                Text.Of($"{100 * row.Microseconds / busy:F1} %"),
                Text.Of($"{row.Launches}"),
                Text.Of($"{row.Flops / row.Microseconds / 1e3:F0}"),
                Text.Of($"{row.Bytes / row.Microseconds / 1e3:F1}"));
        }
        return table.ToString();
    }

    private sealed record Row(
        string Name, int Launches, double Microseconds, double Flops, double Bytes)
    {
        public static Row Of(StepTrace trace, GraphOp op, IReadOnlyList<TimelineSpan> spans)
        {
            var (flops, bytes, time) = (0.0, 0.0, 0.0);
            foreach (var span in spans)
            {
                var nano = trace.Plan.NanoOps[span.NanoOp];
                var (begin, end) = trace.Mix.Scale(
                    op, nano.RowBegin, nano.RowEnd, trace.Plan.StepRows);
                var work = trace.Mix.WorkOf(op, begin, end);
                flops += op.Work.Flops(work);
                bytes += op.Bytes(work);
                time += span.EndMicroseconds - span.BeginMicroseconds;
            }
            return new Row(op.Name, spans.Count, Math.Max(time, 1e-3), flops, bytes);
        }
    }
}
