using System.Text.Json;

namespace NanoFlow.Planning;

/// <summary>The content of a plan file, as PlanReader reads it.</summary>
internal static class PlanWriter
{
    public static void Write(Utf8JsonWriter json, PlanSet set)
    {
        json.WriteNumber("layers", set.LayerCount);
        OriginFile.WriteRows(json, "ops", set.Ops, static (row, op) =>
        {
            row.WriteString("segment", EnumNames.Of(op.Segment));
            row.WriteString("name", op.Name);
            row.WriteString("kind", op.Kind);
            row.WriteString("resource", EnumNames.Of(op.Resource));
        });
        var names = set.Ops.ToDictionary(op => (op.Segment, op.Index), op => op.Name);
        json.WriteStartArray("buckets");
        foreach (var bucket in set.Buckets)
        {
            WriteBucket(json, bucket, names);
        }
        json.WriteEndArray();
    }

    private static void WriteBucket(
        Utf8JsonWriter json, PlanBucket bucket, Dictionary<(Segment, int), string> names)
    {
        json.WriteStartObject();
        json.WriteNumber("rows", bucket.Mix.Rows);
        json.WriteNumber("decode_rows", bucket.Mix.DecodeRows);
        json.WriteNumber("context", bucket.Mix.Context);
        json.WriteBoolean("used", bucket.IsUsed);
        WriteTimes(json, bucket.Times);
        json.WriteNumber("step_rows", bucket.Plan.StepRows);
        WriteLayout(json, bucket.Plan);
        OriginFile.WriteRows(json, "nano_ops", bucket.Plan.NanoOps, (row, nano) =>
        {
            row.WriteString("segment", EnumNames.Of(nano.Segment));
            row.WriteString("op", names[(nano.Segment, nano.Op)]);
            row.WriteNumber("lane", nano.Lane);
            row.WriteNumber("kernel", nano.Kernel);
            row.WriteNumber("units", nano.Units);
            row.WriteNumber("row_begin", nano.RowBegin);
            row.WriteNumber("row_end", nano.RowEnd);
        });
        OriginFile.WriteRows(json, "order", bucket.Plan.OrderEdges, static (row, edge) =>
        {
            row.WriteNumber("earlier", edge.Earlier);
            row.WriteNumber("later", edge.Later);
            row.WriteString("kind", EnumNames.Of(edge.Kind));
        });
        OriginFile.WriteRows(json, "predicted", bucket.Predicted, static (row, span) =>
        {
            row.WriteNumber("nano_op", span.NanoOp);
            row.WriteNumber("begin_us", span.Begin);
            row.WriteNumber("end_us", span.End);
        });
        json.WriteEndObject();
    }

    private static void WriteTimes(Utf8JsonWriter json, PlanTimes times)
    {
        json.WriteStartObject("times");
        json.WriteNumber("period_us", times.Period);
        json.WriteNumber("sequential_period_us", times.SequentialPeriod);
        json.WriteNumber("lower_bound_us", times.LowerBound);
        json.WriteNumber("measured_step_us", times.MeasuredStep);
        json.WriteNumber("measured_sequential_step_us", times.MeasuredSequentialStep);
        json.WriteEndObject();
    }

    private static void WriteLayout(Utf8JsonWriter json, Plan plan)
    {
        OriginFile.WriteRows(json, "partitions", plan.Partitions, static (row, partition) =>
        {
            row.WriteString("kind", EnumNames.Of(partition.Kind));
            row.WriteNumber("first_unit", partition.FirstUnit);
            row.WriteNumber("units", partition.UnitCount);
        });
        OriginFile.WriteRows(json, "lanes", plan.Lanes, static (row, lane) =>
            row.WriteNumber("partition", lane.Partition));
    }
}
