using System.Text.Json;

namespace NanoFlow.Planning.Drawing;

/// <summary>Launches and waits as complete events of a trace.</summary>
internal sealed class TraceEvents
{
    private readonly Utf8JsonWriter _json;
    private readonly StepTrace _trace;
    private readonly NanoOpLabel[] _labels;

    public TraceEvents(Utf8JsonWriter json, StepTrace trace)
    {
        _json = json;
        _trace = trace;
        _labels = NanoOpLabel.Of(trace.Plan, trace.Graph.Ops);
    }

    /// <summary>A launch, and before it the wait of its lane, if there was one.</summary>
    public void WriteMeasured(int process, in TimelineSpan span)
    {
        if (span.ArrivedMicroseconds < span.BeginMicroseconds)
        {
            Begin(
                $"wait for {_labels[span.NanoOp].Name}",
                "wait",
                (process, span.Lane),
                span.ArrivedMicroseconds,
                span.BeginMicroseconds);
            _json.WriteNumber("tick", span.Tick);
            End();
        }
        WriteLaunch(
            process, span.NanoOp, span.Tick, span.BeginMicroseconds, span.EndMicroseconds);
    }

    public void WriteLaunch(int process, int nanoOp, int tick, double begin, double end)
    {
        var label = _labels[nanoOp];
        var resource = EnumNames.Of(label.Op.Resource);
        Begin(label.Name, resource, (process, label.Lane), begin, end);
        _json.WriteString("op", label.Op.Name);
        _json.WriteString("kind", label.Op.Kind);
        _json.WriteString("segment", EnumNames.Of(label.Op.Segment));
        if (label.Op.Segment == Segment.Layer)
        {
            _json.WriteNumber("layer", tick - 1);
        }
        _json.WriteString("resource", resource);
        _json.WriteNumber("units", label.Units);
        WriteWork(label, end - begin);
        End();
    }

    private void WriteWork(NanoOpLabel label, double microseconds)
    {
        var (begin, end) = _trace.Mix.Scale(
            label.Op, label.RowBegin, label.RowEnd, _trace.Plan.StepRows);
        var work = _trace.Mix.WorkOf(label.Op, begin, end);
        var (flops, bytes) = (label.Op.Work.Flops(work), label.Op.Bytes(work));
        _json.WriteNumber("row_begin", begin);
        _json.WriteNumber("row_end", end);
        _json.WriteNumber("rows", work.Rows);
        _json.WriteNumber("flops", flops);
        _json.WriteNumber("bytes", bytes);
        if (microseconds > 0)
        {
            // A thousand a microsecond is a giga a second.
            _json.WriteNumber("gflop_per_s", flops / microseconds / 1e3);
            _json.WriteNumber("gb_per_s", bytes / microseconds / 1e3);
        }
    }

    // Leaves the arguments open.
    private void Begin(
        string name, string category, (int Process, int Lane) place, double begin, double end)
    {
        _json.WriteStartObject();
        _json.WriteString("name", name);
        _json.WriteString("cat", category);
        _json.WriteString("ph", "X");
        _json.WriteNumber("ts", begin);
        _json.WriteNumber("dur", end - begin);
        _json.WriteNumber("pid", place.Process);
        _json.WriteNumber("tid", place.Lane);
        _json.WriteStartObject("args");
    }

    private void End()
    {
        _json.WriteEndObject();
        _json.WriteEndObject();
    }
}
