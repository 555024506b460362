// A measured step as a trace that Perfetto and chrome://tracing open: one process of what was
// measured and one of what was predicted, a thread a lane, events with what they worked on. Waits
// are events of their own.

using System.Text.Json;

namespace NanoFlow.Planning;

/// <summary>A measured step and the plan it followed.</summary>
/// <param name="Mix">Of the step.</param>
/// <param name="Predicted">Of the plan; empty: there is no second process.</param>
/// <param name="Period">Predicted, in microseconds.</param>
public sealed record MeasuredStep(
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

    public static void Write(Stream stream, MeasuredStep step)
    {
        using var json = new Utf8JsonWriter(stream);
        json.WriteStartObject();
        json.WriteString("displayTimeUnit", "ms");
        json.WriteStartObject("otherData");
        json.WriteNumber("rows", step.Mix.Rows);
        json.WriteNumber("decode_rows", step.Mix.DecodeRows);
        json.WriteNumber("context", step.Mix.Context);
        json.WriteEndObject();
        json.WriteStartArray("traceEvents");
        WriteNames(json, Measured, "measured", step.Plan);
        var events = new TraceEvents(json, step);
        foreach (var span in step.Spans)
        {
            events.WriteMeasured(Measured, span);
            FlushIfLong(json);
        }
        WritePredicted(json, events, step);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    // All layers, a period apart, from where the first measured one lies.
    private static void WritePredicted(Utf8JsonWriter json, TraceEvents events, MeasuredStep step)
    {
        var ticks = Alignment.LayerTicks(step.Plan, step.Spans);
        if (step.Predicted.Count == 0 || ticks.Count == 0)
        {
            return;
        }
        WriteNames(json, Predicted, "predicted", step.Plan);
        var start = Alignment.Offset(step.Spans, ticks[0], step.Predicted);
        foreach (var tick in ticks)
        {
            foreach (var span in step.Predicted)
            {
                var offset = start + (tick - ticks[0]) * step.Period;
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
