// A plan as a picture: one lane a row, colours for what bounds a nano-op, its share of the device
// as the height of its block. Self-contained, on a card of its own so that it reads on any page.

namespace NanoFlow.Planning.Drawing;

public static class PlanSvg
{
    private const double Width = 1200;
    private const double Left = 150;
    private const double Right = Width - 24;
    private const double FirstRow = 118;
    private const double RowGap = 6;
    private const double AxisHeight = 34;
    private const double LegendHeight = 34;
    private const double GroupGap = 26;
    private const int MaxTicks = 12;

    private const string Card = "#ffffff";
    private const string Edge = "#d0d7de";
    private const string Band = "#f3f4f6";
    private const string Grid = "#d8dce1";
    private const string Ink = "#1f2328";
    private const string Faint = "#59636e";

    /// <param name="measured">One step of this plan; its middle layer is drawn below the predicted
    /// one, on the same axis.</param>
    public static string Draw(
        PlanSet set, PlanBucket bucket, IReadOnlyList<TimelineSpan>? measured = null)
    {
        var state = new SteadyState(bucket);
        var groups = new List<(string Name, IReadOnlyList<Block> Blocks)>();
        if (state.Window > 0)
        {
            groups.Add((measured is null ? "" : "predicted", state.Blocks));
        }
        if (state.Window > 0 && measured is not null)
        {
            groups.Add(("measured", state.Lay(bucket, measured)));
        }
        var rows = new PlanSvgRows(
            bucket.Plan,
            NanoOpLabel.Of(bucket.Plan, set.Ops),
            new PlanSvgFrame(Left, Right, RowGap));
        var groupHeight = rows.Height + GroupGap;
        var bottom = FirstRow + groupHeight * groups.Count - GroupGap;
        var height = groups.Count == 0 ? FirstRow : bottom + AxisHeight + LegendHeight;
        using var page = new SvgPage(Width, height, PlanHeading.Of(set));
        page.Rectangle(
            0.5, 0.5, Width - 0.5, height - 0.5, Card, null, ("stroke", Edge), ("rx", "8"));
        DrawHeading(page, set, bucket);
        if (groups.Count == 0)
        {
            return page.ToString();
        }
        for (var i = 0; i < groups.Count; i++)
        {
            var top = FirstRow + i * groupHeight;
            page.Text(24, top - 8, groups[i].Name, Ink, "start", ("font-weight", "600"));
            rows.DrawBands(page, top);
        }
        DrawTime(page, state, bottom);
        for (var i = 0; i < groups.Count; i++)
        {
            rows.DrawBlocks(page, FirstRow + i * groupHeight, groups[i].Blocks, state.Window);
        }
        DrawLegend(page, bottom + AxisHeight + 8);
        return page.ToString();
    }

    // Okabe and Ito's palette, which colour-blind people can tell apart; paler for blocks that
    // belong to the layers before and after.
    internal static string Colour(ResourceKind resource, bool isThisLayer) => resource switch
    {
        ResourceKind.Compute => isThisLayer ? "#0072b2" : "#94c2de",
        ResourceKind.Memory => isThisLayer ? "#e69f00" : "#f4d595",
        _ => isThisLayer ? "#009e73" : "#94d3c0",
    };

    internal static string TextColour(ResourceKind resource, bool isThisLayer) =>
        isThisLayer && resource != ResourceKind.Memory ? Card : Ink;

    internal static void DrawBand(
        SvgPage page, double top, double height, string name, string units)
    {
        page.Rectangle(Left, top, Right, top + height, Band);
        page.Text(24, top + height / 2 - 2, name, Ink, "start", ("font-size", "12"));
        page.Text(24, top + height / 2 + 12, units, Faint);
    }

    private static void DrawHeading(SvgPage page, PlanSet set, PlanBucket bucket)
    {
        page.Text(24, 32, PlanHeading.Of(set), Ink, "start",
            ("font-size", "17"), ("font-weight", "600"));
        string[] lines =
        [
            PlanHeading.Mix(bucket.Mix),
            PlanHeading.Predicted(bucket.Times, "µs"),
            PlanHeading.Measured(bucket, "µs"),
        ];
        for (var i = 0; i < lines.Length; i++)
        {
            page.Text(24, 52 + 17 * i, lines[i], Faint, "start", ("font-size", "13"));
        }
    }

    private static void DrawTime(SvgPage page, SteadyState state, double bottom)
    {
        var axis = new TimeAxis(state.Window, MaxTicks, "µs");
        var scale = (Right - Left) / state.Window;
        foreach (var tick in axis.Ticks())
        {
            var x = Left + tick * scale;
            page.Line(x, FirstRow, x, bottom + 6, Grid, isDashed: false);
            page.Text(x, bottom + 20, axis.TickText(tick), Faint, "middle");
        }
        page.Text(Left - 16, bottom + 20, axis.Unit, Faint, "end");
        for (var time = 0.0; time <= state.Window * 1.001; time += state.Period)
        {
            var x = Left + time * scale;
            page.Line(x, FirstRow - 18, x, bottom + 6, Ink, isDashed: true);
            if (time < state.Window * 0.999)
            {
                var name = time == 0 ? "this layer" : "next layer";
                page.Text(x + state.Period * scale / 2, FirstRow - 7, name, Faint, "middle");
            }
        }
    }

    private static void DrawLegend(SvgPage page, double top)
    {
        var x = Left;
        foreach (var resource in Enum.GetValues<ResourceKind>())
        {
            Swatch(x, Colour(resource, isThisLayer: true));
            page.Text(x + 20, top + 10, EnumNames.Of(resource), Ink);
            x += 90;
        }
        foreach (var resource in Enum.GetValues<ResourceKind>())
        {
            Swatch(x, Colour(resource, isThisLayer: false));
            x += 17;
        }
        page.Text(x + 3, top + 10, "of the layers before and after", Ink);
        page.Text(Right, top + 10, "height of a block: its units", Faint, "end");

        void Swatch(double left, string colour) =>
            page.Rectangle(left, top, left + 14, top + 12, colour, null, ("rx", "2"));
    }
}
