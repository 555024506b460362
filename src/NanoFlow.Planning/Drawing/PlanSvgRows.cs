namespace NanoFlow.Planning.Drawing;

/// <summary>Where rows of lanes lie on a page.</summary>
internal readonly record struct PlanSvgFrame(double Left, double Right, double RowGap);

/// <summary>One row a lane, as high as its share of the device.</summary>
internal sealed class PlanSvgRows
{
    // Of a lane on the whole device, and of the smallest.
    private const double WholeHeight = 96;
    private const double MinHeight = 34;
    private const double MinBlockHeight = 3;

    // Of a character of 11 pixels; names that may not fit are left to the tooltip.
    private const double CharacterWidth = 6.4;
    private const double TextHeight = 13;
    private const int MinCharacters = 3;
    private const double Margin = 6;

    private readonly Plan _plan;
    private readonly NanoOpLabel[] _labels;
    private readonly PlanSvgFrame _frame;
    private readonly int[] _units;
    private readonly double[] _heights;

    public PlanSvgRows(Plan plan, NanoOpLabel[] labels, PlanSvgFrame frame)
    {
        _plan = plan;
        _labels = labels;
        _frame = frame;
        _units = [.. plan.Lanes.Select(lane => plan.Partitions[lane.Partition].UnitCount)];
        var device = plan.Partitions.Max(partition => partition.FirstUnit + partition.UnitCount);
        _heights = [.. _units.Select(units => Math.Max(MinHeight, WholeHeight * units / device))];
    }

    public double Height => Top(_heights.Length) - _frame.RowGap;

    public void DrawBands(SvgPage page, double top)
    {
        for (var lane = 0; lane < _heights.Length; lane++)
        {
            var units = PlanHeading.Units(_plan, lane);
            PlanSvg.DrawBand(
                page,
                top + Top(lane),
                _heights[lane],
                $"lane {lane}",
                PlanHeading.HasOwnUnits(_plan, lane) ? $"units {units}" : $"units {units}, shared");
        }
    }

    /// <param name="window">Microseconds from the left edge to the right one.</param>
    public void DrawBlocks(SvgPage page, double top, IReadOnlyList<Block> blocks, double window)
    {
        var axis = new TimeAxis(window, maxTicks: 1, "µs");
        var scale = (_frame.Right - _frame.Left) / window;
        foreach (var block in blocks)
        {
            var label = _labels[block.NanoOp];
            var bottom = top + Top(label.Lane) + _heights[label.Lane];
            var height = Math.Max(
                MinBlockHeight, _heights[label.Lane] * label.Units / _units[label.Lane]);
            var left = _frame.Left + Math.Max(0, block.Begin) * scale;
            var right = _frame.Left + Math.Min(window, block.End) * scale;
            page.Rectangle(
                left,
                bottom - height,
                right,
                bottom,
                PlanSvg.Colour(label.Op.Resource, block.Layer == 0),
                Tooltip(label, block, axis),
                ("rx", "2"),
                ("stroke", "#ffffff"),
                ("stroke-width", "0.8"),
                ("data-nano-op", $"{block.NanoOp}"),
                ("data-layer", $"{block.Layer}"));
            DrawName(page, label, block.Layer, (left, right, bottom - height, bottom));
        }
    }

    // From the top of the first lane.
    private double Top(int lane) => _heights.Take(lane).Sum() + lane * _frame.RowGap;

    // Along the block, or upright where it is higher than wide; cut when it is too long.
    private static void DrawName(
        SvgPage page,
        NanoOpLabel label,
        int layer,
        in (double Left, double Right, double Top, double Bottom) place)
    {
        var (width, height) = (place.Right - place.Left, place.Bottom - place.Top);
        var isUpright = Room(width) < label.Name.Length && Room(height) > Room(width);
        var room = Room(isUpright ? height : width);
        if (Math.Min(width, height) < TextHeight || room < MinCharacters + label.Part.Length)
        {
            return;
        }
        var (x, y) = ((place.Left + place.Right) / 2, (place.Top + place.Bottom) / 2);
        page.Text(
            x,
            y,
            label.Short(room, "…"),
            PlanSvg.TextColour(label.Op.Resource, layer == 0),
            "middle",
            ("dy", "0.35em"),
            ("pointer-events", "none"),
            ("transform", isUpright ? SvgPage.Upright(x, y) : "rotate(0)"));

        static int Room(double pixels) => (int)((pixels - Margin) / CharacterWidth);
    }

    private static string Tooltip(NanoOpLabel label, in Block block, TimeAxis axis) =>
        $"{label.Name} ({label.Op.Kind}, {EnumNames.Of(label.Op.Resource)}): "
        + $"rows {label.RowBegin}-{label.RowEnd}, {label.Units} units, "
        + $"{axis.Text(block.Begin)} to {axis.Text(block.End)} {axis.Unit}";
}
