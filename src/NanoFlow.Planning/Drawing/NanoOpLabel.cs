namespace NanoFlow.Planning.Drawing;

/// <summary>What a picture says about a nano-op.</summary>
/// <param name="Part">A letter where the op is cut: " B" for its second rows.</param>
/// <param name="Key">One character for where the name does not fit.</param>
/// <param name="Units">What it is given of the device.</param>
internal sealed record NanoOpLabel(
    GraphOp Op,
    string Part,
    char Key,
    int Lane,
    int Units,
    int RowBegin,
    int RowEnd)
{
    private const string Keys = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    private const int Letters = 26;

    /// <summary>"qkv B".</summary>
    public string Name => Op.Name + Part;

    /// <summary>The name in so many characters, cut in the middle: "attent.. B".</summary>
    public string Short(int length, string dots) => Name.Length <= length
        ? Name
        : $"{Op.Name[..Math.Max(1, length - dots.Length - Part.Length)]}{dots}{Part}";

    /// <summary>Of all nano-ops of the plan; keys only for those of the layer.</summary>
    public static NanoOpLabel[] Of(Plan plan, IReadOnlyList<GraphOp> ops)
    {
        var byIndex = ops.ToDictionary(op => (op.Segment, op.Index));
        var places = PlacesInOp(plan);
        var keys = 0;
        var labels = new NanoOpLabel[plan.NanoOps.Count];
        for (var i = 0; i < labels.Length; i++)
        {
            var nano = plan.NanoOps[i];
            var op = byIndex[(nano.Segment, nano.Op)];
            var partition = plan.Partitions[plan.Lanes[nano.Lane].Partition];
            var key = ' ';
            if (nano.Segment == Segment.Layer)
            {
                key = keys < Keys.Length ? Keys[keys] : '?';
                keys++;
            }
            labels[i] = new NanoOpLabel(
                op,
                places[i],
                key,
                nano.Lane,
                nano.Units == 0 ? partition.UnitCount : Math.Min(nano.Units, partition.UnitCount),
                nano.RowBegin,
                nano.RowEnd);
        }
        return labels;
    }

    // " A" for the first rows of an op; nothing for an op that is not cut.
    private static string[] PlacesInOp(Plan plan)
    {
        var places = new string[plan.NanoOps.Count];
        var ops = Enumerable.Range(0, places.Length)
            .GroupBy(i => (plan.NanoOps[i].Segment, plan.NanoOps[i].Op));
        foreach (var op in ops)
        {
            var parts = op.OrderBy(i => plan.NanoOps[i].RowBegin).ToArray();
            for (var p = 0; p < parts.Length; p++)
            {
                places[parts[p]] = parts.Length == 1
                    ? ""
                    : p < Letters ? $" {(char)('A' + p)}" : $" {p + 1}";
            }
        }
        return places;
    }
}
