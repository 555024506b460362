// Plans on disk: one JSON object, version 1. Ops are named, so that a person can read it; the hash
// of the graph and the name of the device say what it was found for, and it is refused for anything
// else.
//
// Reading bounds every count and index before it is used. Whether the nano-ops cover the graph in
// an order that can run is decided where the graph is: nf_program_create.

using System.Globalization;
using System.Text.Json;

namespace NanoFlow.Planning;

public static class PlanFile
{
    private const string Format = "nanoflow-plan";
    private const int Version = 1;

    // Object, list, object.
    private const int Depth = 4;

    public static byte[] Write(Plan plan, GraphFacts graph, string device)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("format", Format);
            json.WriteNumber("version", Version);
            json.WriteString("graph", HashText(graph.Hash));
            json.WriteString("device", device);
            json.WriteNumber("step_rows", plan.StepRows);
            WriteLayout(json, plan);
            WriteNanoOps(json, plan, graph);
            WriteOrder(json, plan);
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    /// <exception cref="PlanFormatException">It is no plan for this graph and device.</exception>
    public static Plan Read(ReadOnlyMemory<byte> utf8, GraphFacts graph, string device)
    {
        if (utf8.Length > PlanLimits.FileBytes)
        {
            throw new PlanFormatException(
                $"plan file has {utf8.Length} bytes, allowed are {PlanLimits.FileBytes}");
        }
        try
        {
            using var document = JsonDocument.Parse(
                utf8, new JsonDocumentOptions { MaxDepth = Depth });
            var root = new PlanSection(document.RootElement, "plan");
            CheckOrigin(root, graph, device);
            return ReadPlan(root, graph);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second: a string that is not valid Unicode, seen when it is read.
            throw new PlanFormatException($"plan file is not valid JSON: {e.Message}", e);
        }
    }

    private static void CheckOrigin(PlanSection root, GraphFacts graph, string device)
    {
        root.RequireText("format", Format);
        var version = root.Int("version", 1, int.MaxValue);
        if (version != Version)
        {
            throw new PlanFormatException($"plan.version is {version}, supported is {Version}");
        }
        root.RequireText("graph", HashText(graph.Hash));
        root.RequireText("device", device);
    }

    private static Plan ReadPlan(PlanSection root, GraphFacts graph)
    {
        var stepRows = root.Int("step_rows", 1, PlanLimits.StepRows);
        var partitions = root.List("partitions", 1, PlanLimits.Lanes, section => new Partition(
            section.Choice("kind", PartitionKind.Shared, PartitionKind.Disjoint),
            section.Int("first_unit", 0, PlanLimits.Units),
            section.Int("units", 1, PlanLimits.Units)));
        var lanes = root.List("lanes", 1, PlanLimits.Lanes, section => new Lane(
            section.Int("partition", 0, partitions.Count - 1)));
        var nanoOps = root.List("nano_ops", 1, PlanLimits.NanoOps, section =>
            ReadNanoOp(section, graph, lanes.Count, stepRows));
        var order = root.List("order", 0, PlanLimits.OrderEdges, section => new OrderEdge(
            section.Int("earlier", 0, nanoOps.Count - 1),
            section.Int("later", 0, nanoOps.Count - 1),
            section.Choice("kind", OrderKind.AfterFinish, OrderKind.AfterStart)));
        return new Plan
        {
            StepRows = stepRows,
            Partitions = partitions,
            Lanes = lanes,
            NanoOps = nanoOps,
            OrderEdges = order,
        };
    }

    private static NanoOp ReadNanoOp(
        PlanSection section, GraphFacts graph, int laneCount, int stepRows)
    {
        var segment = section.Choice("segment", Segment.Prologue, Segment.Layer, Segment.Epilogue);
        var name = section.Text("op");
        var op = graph.Find(segment, name)
            ?? throw section.Error("op", $"'{name}' is not in the {Name(segment)} of the graph");
        var begin = section.Int("row_begin", 0, stepRows - 1);
        return new NanoOp(
            segment,
            op.Index,
            section.Int("lane", 0, laneCount - 1),
            section.Int("kernel", 0, Math.Max(0, op.KernelCount - 1)),
            section.Int("units", 0, PlanLimits.Units),
            begin,
            section.Int("row_end", begin + 1, stepRows));
    }

    private static void WriteLayout(Utf8JsonWriter json, Plan plan)
    {
        json.WriteStartArray("partitions");
        foreach (var partition in plan.Partitions)
        {
            json.WriteStartObject();
            json.WriteString("kind", Name(partition.Kind));
            json.WriteNumber("first_unit", partition.FirstUnit);
            json.WriteNumber("units", partition.UnitCount);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("lanes");
        foreach (var lane in plan.Lanes)
        {
            json.WriteStartObject();
            json.WriteNumber("partition", lane.Partition);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteNanoOps(Utf8JsonWriter json, Plan plan, GraphFacts graph)
    {
        json.WriteStartArray("nano_ops");
        foreach (var nano in plan.NanoOps)
        {
            json.WriteStartObject();
            json.WriteString("segment", Name(nano.Segment));
            json.WriteString("op", graph.At(nano.Segment, nano.Op).Name);
            json.WriteNumber("lane", nano.Lane);
            json.WriteNumber("kernel", nano.Kernel);
            json.WriteNumber("units", nano.Units);
            json.WriteNumber("row_begin", nano.RowBegin);
            json.WriteNumber("row_end", nano.RowEnd);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteOrder(Utf8JsonWriter json, Plan plan)
    {
        json.WriteStartArray("order");
        foreach (var edge in plan.OrderEdges)
        {
            json.WriteStartObject();
            json.WriteNumber("earlier", edge.Earlier);
            json.WriteNumber("later", edge.Later);
            json.WriteString("kind", Name(edge.Kind));
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static string HashText(ulong hash) =>
        hash.ToString("x16", CultureInfo.InvariantCulture);

    internal static string Name<T>(T value)
        where T : struct, Enum => value switch
        {
            Segment.Prologue => "prologue",
            Segment.Layer => "layer",
            Segment.Epilogue => "epilogue",
            PartitionKind.Shared => "shared",
            PartitionKind.Disjoint => "disjoint",
            OrderKind.AfterFinish => "after_finish",
            OrderKind.AfterStart => "after_start",
            _ => throw new ArgumentOutOfRangeException(nameof(value), value, "has no name"),
        };
}
