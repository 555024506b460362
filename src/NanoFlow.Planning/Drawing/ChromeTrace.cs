// A measured step as a trace that Perfetto and chrome://tracing open: one process of what was
// measured and one of what was predicted, a thread a lane, events with what they worked on. Waits
// are events of their own.

using System.Text.Json;

namespace NanoFlow.Planning.Drawing;

/// <summary>A measured step and the plan it followed.</summary>
/// <param name="Mix">Of the trace.</param>
/// <param name="Predicted">Of the plan; empty: there is no second process.</param>
/// <param name="Period">Predicted, in microseconds.</param>
public sealed record StepTrace(
    GraphFacts Graph,
    Plan Plan,
    StepMix Mix,
    IReadOnlyList<TimelineSpan> Spans,
    IReadOnlyList<PredictedSpan> Predicted,
    double Period);

public static class ChromeTrace
{
    private const int Measured = 1;
    private const int Predicted = 2;

    // Held before it goes to the stream.
    private const int FlushBytes = 64 * 1024;

    public static void Write(Stream stream, StepTrace trace)
    {
        using var json = new Utf8JsonWriter(stream);
        json.WriteStartObject();
        json.WriteString("displayTimeUnit", "ms");
        json.WriteStartObject("otherData");
        json.WriteNumber("rows", trace.Mix.Rows);
        json.WriteNumber("decode_rows", trace.Mix.DecodeRows);
        json.WriteNumber("context", trace.Mix.Context);
        json.WriteEndObject();
        json.WriteStartArray("traceEvents");
        WriteNames(json, Measured, "measured", trace.Plan);
        var events = new TraceEvents(json, trace);
        foreach (var span in trace.Spans)
        {
            events.WriteMeasured(Measured, span);
            FlushIfLong(json);
        }
        WritePredicted(json, events, trace);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    // All layers, a period apart, from where the first measured one lies.
    private static void WritePredicted(Utf8JsonWriter json, TraceEvents events, StepTrace trace)
    {
        var ticks = Alignment.LayerTicks(trace.Plan, trace.Spans);
        if (trace.Predicted.Count == 0 || ticks.Count == 0)
        {
            return;
        }
        WriteNames(json, Predicted, "predicted", trace.Plan);
        var start = Alignment.Offset(trace.Spans, ticks[0], trace.Predicted);
        foreach (var tick in ticks)
        {
            foreach (var span in trace.Predicted)
            {
                var offset = start + (tick - ticks[0]) * trace.Period;
                events.WriteLaunch(
                    Predicted, span.NanoOp, tick, offset + span.Begin, offset + span.End);
                FlushIfLong(json);
            }
        }
    }

    private static void WriteNames(Utf8JsonWriter json, int process, string name, Plan plan)
    {
        WriteName(json, "process_name", process, thread: 0, name);
        for (var lane = 0; lane < plan.Lanes.Count; lane++)
        {
            var shared = PlanHeading.HasOwnUnits(plan, lane) ? "" : ", shared";
            WriteName(
                json,
                "thread_name",
                process,
                lane,
                $"lane {lane} (units {PlanHeading.Units(plan, lane)}{shared})");
        }
    }

    private static void WriteName(
        Utf8JsonWriter json, string kind, int process, int thread, string name)
    {
        json.WriteStartObject();
        json.WriteString("name", kind);
        json.WriteString("ph", "M");
        json.WriteNumber("pid", process);
        json.WriteNumber("tid", thread);
        json.WriteStartObject("args");
        json.WriteString("name", name);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void FlushIfLong(Utf8JsonWriter json)
    {
        if (json.BytesPending > FlushBytes)
        {
            json.Flush();
        }
    }
}
