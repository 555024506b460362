// Cost tables on disk: one JSON object, a row a line, bound to graph, device and program as plan
// files are.

using System.Text.Json;

namespace NanoFlow.Planning;

/// <summary>What calibration found for one model on one device.</summary>
/// <param name="Model">Its name, for people.</param>
/// <param name="PeakGflops">Of the whole device, measured; 0: not known.</param>
/// <param name="PeakGigabytesPerSecond">Of its memory, measured; 0: not known.</param>
public sealed record CostSet(
    Origin Origin,
    string Model,
    CostTable Table,
    double PeakGflops,
    double PeakGigabytesPerSecond);

public static class CostTableFile
{
    // Object, rows, row.
    private const int Depth = 3;

    private static readonly OriginFile Form =
        new("nanoflow-costs", Version: 2, "costs", CostLimits.FileBytes, Depth);

    /// <exception cref="ArgumentException">It would be too large to be read again.</exception>
    public static byte[] Write(CostSet set) => Form.Write(set.Origin, set.Model, json =>
    {
        var table = set.Table;
        json.WriteNumber("units", table.UnitCount);
        json.WriteStartArray("unit_choices");
        foreach (var units in table.UnitChoices)
        {
            json.WriteNumberValue(units);
        }
        json.WriteEndArray();
        json.WriteBoolean("may_exceed_units", table.MayExceedUnits);
        json.WriteNumber("handoff_us", table.HandoffMicroseconds);
        json.WriteNumber("peak_gflops", set.PeakGflops);
        json.WriteNumber("peak_gb_per_s", set.PeakGigabytesPerSecond);
        WriteOps(json, table);
        WritePairs(json, table);
    });

    /// <summary>For this graph on this device.</summary>
    /// <exception cref="PlanFormatException">It is no cost file, or for something
    /// else.</exception>
    public static CostSet Read(ReadOnlyMemory<byte> utf8, GraphFacts graph, Origin here) =>
        Form.Read(utf8, root =>
        {
            OriginFile.RequireOrigin(root, here);
            return new CostSet(
                OriginFile.ReadOrigin(root),
                OriginFile.ReadModel(root),
                ReadTable(root, graph),
                root.Number("peak_gflops", 0, CostLimits.Peak),
                root.Number("peak_gb_per_s", 0, CostLimits.Peak));
        });

    private static void WriteOps(Utf8JsonWriter json, CostTable table) =>
        OriginFile.WriteRows(json, "ops", table.Ops, (row, cost) =>
        {
            row.WriteString("segment", EnumNames.Of(cost.Segment));
            row.WriteString("op", table.Graph.At(cost.Segment, cost.Op).Name);
            row.WriteNumber("rows", cost.Rows);
            row.WriteNumber("context", cost.Context);
            row.WriteNumber("units", cost.Units);
            row.WriteNumber("us", cost.Microseconds);
        });

    private static void WritePairs(Utf8JsonWriter json, CostTable table) =>
        OriginFile.WriteRows(json, "pairs", table.Pairs, (row, pair) =>
        {
            row.WriteString("a", table.Graph.At(Segment.Layer, pair.OpA).Name);
            row.WriteNumber("rows_a", pair.RowsA);
            row.WriteNumber("units_a", pair.UnitsA);
            row.WriteNumber("slow_down_a", pair.SlowDownA);
            row.WriteString("b", table.Graph.At(Segment.Layer, pair.OpB).Name);
            row.WriteNumber("rows_b", pair.RowsB);
            row.WriteNumber("units_b", pair.UnitsB);
            row.WriteNumber("slow_down_b", pair.SlowDownB);
        });

    private static CostTable ReadTable(PlanSection root, GraphFacts graph)
    {
        var names = graph.Ops.ToDictionary(op => (op.Segment, op.Name), op => op.Index);
        var units = root.Int("units", 1, PlanLimits.Units);
        var choices = root.Ints("unit_choices", 1, CostLimits.UnitChoices, 1, units);
        var mayExceed = root.Bool("may_exceed_units");
        var ops = root.List("ops", 1, CostLimits.OpRows, row => ReadOp(row, names, units));
        var pairs = root.List("pairs", 0, CostLimits.PairRows, row => ReadPair(row, names, units));
        var handoff = root.Number("handoff_us", 0, CostLimits.MaxMicroseconds);
        try
        {
            return new CostTable(graph, units, choices, handoff, ops, pairs)
            {
                MayExceedUnits = mayExceed,
            };
        }
        catch (ArgumentException e)
        {
            // What only the whole table can tell: an op without a time, a launch with two.
            throw new PlanFormatException($"costs: {e.Message}", e);
        }
    }

    private static OpCost ReadOp(
        PlanSection row, Dictionary<(Segment, string), int> names, int units)
    {
        var segment = row.Choice("segment", Segment.Prologue, Segment.Layer, Segment.Epilogue);
        return new OpCost(
            segment,
            ReadName(row, "op", segment, names),
            row.Int("rows", 1, PlanLimits.StepRows),
            row.Number("context", 0, PlanLimits.Context),
            row.Int("units", 1, units),
            row.Number("us", CostLimits.MinMicroseconds, CostLimits.MaxMicroseconds));
    }

    private static PairCost ReadPair(
        PlanSection row, Dictionary<(Segment, string), int> names, int units)
    {
        return new PairCost(
            ReadName(row, "a", Segment.Layer, names),
            row.Int("rows_a", 1, PlanLimits.StepRows),
            row.Int("units_a", 1, units),
            ReadName(row, "b", Segment.Layer, names),
            row.Int("rows_b", 1, PlanLimits.StepRows),
            row.Int("units_b", 1, units),
            SlowDown("slow_down_a"),
            SlowDown("slow_down_b"));

        double SlowDown(string field) =>
            row.Number(field, CostLimits.MinSlowDown, CostLimits.MaxSlowDown);
    }

    private static int ReadName(
        PlanSection row, string field, Segment segment, Dictionary<(Segment, string), int> names)
    {
        var name = row.Text(field, PlanLimits.NameLength);
        return names.TryGetValue((segment, name), out var op)
            ? op
            : throw row.Error(
                field, $"'{name}' is not in the {EnumNames.Of(segment)} of the graph");
    }
}
