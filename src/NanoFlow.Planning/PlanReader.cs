namespace NanoFlow.Planning;

/// <summary>The content of a plan file, with every number checked against its range. What comes out
/// is in itself consistent: indices, row ranges and predictions refer to what is there.</summary>
internal static class PlanReader
{
    public static PlanSet Read(PlanSection root)
    {
        var origin = OriginFile.ReadOrigin(root);
        var model = OriginFile.ReadModel(root);
        var layers = root.Int("layers", 1, PlanLimits.Layers);
        var ops = ReadOps(root);
        var names = ops.ToDictionary(op => (op.Segment, op.Name), op => op.Index);
        var buckets = root.List("buckets", 1, PlanLimits.Buckets, section =>
            ReadBucket(section, names));
        CheckMixes(buckets, root);
        return new PlanSet(origin, model, layers, ops, buckets);
    }

    private static GraphOp[] ReadOps(PlanSection root)
    {
        var names = new HashSet<(Segment, string)>();
        var counts = new int[(int)Segment.Epilogue + 1];
        return root.List("ops", 1, PlanLimits.GraphOps, section =>
        {
            var segment = ReadSegment(section);
            var name = section.Text("name", PlanLimits.NameLength);
            if (!names.Add((segment, name)))
            {
                throw section.Error(
                    "name", $"'{name}' is in the {EnumNames.Of(segment)} already");
            }
            return new GraphOp(
                segment,
                counts[(int)segment]++,
                name,
                section.Text("kind", PlanLimits.NameLength),
                section.Choice(
                    "resource",
                    ResourceKind.Compute,
                    ResourceKind.Memory,
                    ResourceKind.Network),
                KernelCount: 0);
        });
    }

    private static PlanBucket ReadBucket(
        PlanSection section, Dictionary<(Segment, string), int> names)
    {
        var rows = section.Int("rows", 1, PlanLimits.StepRows);
        var mix = new StepMix(
            rows,
            section.Int("decode_rows", 0, rows),
            section.Int("context", 1, PlanLimits.Context));
        var isUsed = section.Bool("used");
        var times = ReadTimes(section.Object("times"));
        var plan = ReadPlan(section, names);
        return new PlanBucket(mix, plan, isUsed, times, ReadPredicted(section, plan));
    }

    private static PlanTimes ReadTimes(PlanSection section)
    {
        return new PlanTimes(
            Time("period_us"),
            Time("sequential_period_us"),
            Time("lower_bound_us"),
            Time("measured_step_us"),
            Time("measured_sequential_step_us"));

        double Time(string field) => section.Number(field, 0, PlanLimits.Microseconds);
    }

    private static Plan ReadPlan(PlanSection section, Dictionary<(Segment, string), int> names)
    {
        var stepRows = section.Int("step_rows", 1, PlanLimits.StepRows);
        var partitions = section.List("partitions", 1, PlanLimits.Lanes, ReadPartition);
        var lanes = section.List("lanes", 1, PlanLimits.Lanes, row => new Lane(
            row.Int("partition", 0, partitions.Length - 1)));
        var previous = Segment.Prologue;
        var nanoOps = section.List("nano_ops", 1, PlanLimits.NanoOps, row =>
        {
            var nano = ReadNanoOp(row, names, lanes.Length, stepRows);
            if (nano.Segment < previous)
            {
                throw row.Error("segment", $"stands after the {EnumNames.Of(previous)}");
            }
            previous = nano.Segment;
            return nano;
        });
        return new Plan
        {
            StepRows = stepRows,
            Partitions = partitions,
            Lanes = lanes,
            NanoOps = nanoOps,
            OrderEdges = section.List("order", 0, PlanLimits.OrderEdges, row =>
                ReadOrderEdge(row, nanoOps)),
        };
    }

    private static Partition ReadPartition(PlanSection row)
    {
        var firstUnit = row.Int("first_unit", 0, PlanLimits.Units - 1);
        return new Partition(
            row.Choice("kind", PartitionKind.Shared, PartitionKind.Disjoint),
            firstUnit,
            row.Int("units", 1, PlanLimits.Units - firstUnit));
    }

    private static NanoOp ReadNanoOp(
        PlanSection row, Dictionary<(Segment, string), int> names, int laneCount, int stepRows)
    {
        var segment = ReadSegment(row);
        var name = row.Text("op", PlanLimits.NameLength);
        if (!names.TryGetValue((segment, name), out var op))
        {
            throw row.Error("op", $"'{name}' is not in the {EnumNames.Of(segment)} of the graph");
        }
        var begin = row.Int("row_begin", 0, stepRows - 1);
        return new NanoOp(
            segment,
            op,
            row.Int("lane", 0, laneCount - 1),
            row.Int("kernel", 0, PlanLimits.Units),
            row.Int("units", 0, PlanLimits.Units),
            begin,
            row.Int("row_end", begin + 1, stepRows));
    }

    private static OrderEdge ReadOrderEdge(PlanSection row, NanoOp[] nanoOps)
    {
        var later = row.Int("later", 1, nanoOps.Length - 1);
        var earlier = row.Int("earlier", 0, later - 1);
        return nanoOps[earlier].Segment == nanoOps[later].Segment
            ? new OrderEdge(
                earlier, later, row.Choice("kind", OrderKind.AfterFinish, OrderKind.AfterStart))
            : throw row.Error("earlier", $"{earlier} and {later} are in different segments");
    }

    // Nothing, or every nano-op of the layer in its order.
    private static PredictedSpan[] ReadPredicted(PlanSection section, Plan plan)
    {
        var first = 0;
        while (first < plan.NanoOps.Count && plan.NanoOps[first].Segment < Segment.Layer)
        {
            first++;
        }
        var next = first;
        var count = plan.NanoOps.Count(nano => nano.Segment == Segment.Layer);
        var spans = section.List("predicted", 0, count, row =>
        {
            var begin = row.Number("begin_us", -PlanLimits.Microseconds, PlanLimits.Microseconds);
            return new PredictedSpan(
                row.Int("nano_op", next, next++),
                begin,
                row.Number("end_us", begin, PlanLimits.Microseconds));
        });
        return spans.Length == 0 || spans.Length == count
            ? spans
            : throw section.Error(
                "predicted", $"has {spans.Length} entries, allowed are 0 and {count}");
    }

    // A step gets the plan of the nearest mix: there is one.
    private static void CheckMixes(PlanBucket[] buckets, PlanSection root)
    {
        var mixes = new HashSet<StepMix>();
        for (var i = 0; i < buckets.Length; i++)
        {
            if (buckets[i].IsUsed && !mixes.Add(buckets[i].Mix))
            {
                throw root.Error(
                    $"buckets[{i}]", $"a plan for {buckets[i].Mix.Rows} rows, "
                    + $"{buckets[i].Mix.DecodeRows} of them decoding, at context "
                    + $"{buckets[i].Mix.Context} is used already");
            }
        }
    }

    private static Segment ReadSegment(PlanSection section) =>
        section.Choice("segment", Segment.Prologue, Segment.Layer, Segment.Epilogue);
}
