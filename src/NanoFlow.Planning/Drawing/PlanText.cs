// A plan as text: the lanes over the time of two layers in the steady state, and a table of what
// runs on them. Plain ASCII; blocks are filled by what bounds them.

using System.Text;

namespace NanoFlow.Planning.Drawing;

public static class PlanText
{
    public const int MinWidth = 60;
    public const int MaxWidth = 200;

    // Characters between two ticks: "123456.7" and a space.
    private const int TickDistance = 12;

    /// <summary>All plans of a file.</summary>
    /// <param name="width">Columns, MinWidth to MaxWidth; others are taken as the
    /// nearest.</param>
    public static string Draw(PlanSet set, int width) =>
        $"{Wrap(PlanHeading.Of(set), Columns(width))}\n"
        + string.Concat(set.Buckets.Select(bucket => $"\n{Draw(set, bucket, width)}"));

    public static string Draw(PlanSet set, PlanBucket bucket, int width)
    {
        var columns = Columns(width);
        var labels = NanoOpLabel.Of(bucket.Plan, set.Ops);
        var state = new SteadyState(bucket);
        var lines = new List<string>
        {
            Wrap(PlanHeading.Mix(bucket.Mix), columns),
            Wrap(PlanHeading.Predicted(bucket.Times), columns),
            Wrap(PlanHeading.Measured(bucket), columns),
            "",
        };
        if (state.Window > 0)
        {
            lines.AddRange(DrawLanes(bucket, labels, state, columns));
            lines.Add("");
        }
        lines.AddRange(PlanTextTable.Draw(bucket, labels, state, columns));
        return string.Concat(lines.Select(line => $"{line.TrimEnd()}\n"));
    }

    /// <summary>How a block of that kind is filled.</summary>
    internal static char Fill(ResourceKind resource) => resource switch
    {
        ResourceKind.Compute => '#',
        ResourceKind.Memory => '=',
        _ => '~',
    };

    private static int Columns(int width) => Math.Clamp(width, MinWidth, MaxWidth);

    private static IEnumerable<string> DrawLanes(
        PlanBucket bucket, NanoOpLabel[] labels, SteadyState state, int columns)
    {
        var names = Enumerable.Range(0, bucket.Plan.Lanes.Count)
            .Select(lane => LaneName(bucket.Plan, lane))
            .ToArray();
        var left = names.Max(name => name.Length) + 1;
        var cells = columns - left;
        yield return new string(' ', left) + Layers(state, cells);
        for (var lane = 0; lane < names.Length; lane++)
        {
            yield return names[lane].PadRight(left) + Row(lane, labels, state, cells);
        }
        var axis = new TimeAxis(state.Window, cells / TickDistance);
        var (line, numbers) = Axis(axis, state.Window, cells);
        yield return new string(' ', left) + line;
        yield return axis.Unit.PadLeft(left - 1) + ' ' + numbers;
        yield return "";
        yield return Wrap(
            "# compute  = memory  ~ network  [units of its own]  (shared units)", columns);
    }

    private static string LaneName(Plan plan, int lane)
    {
        var units = PlanHeading.Units(plan, lane);
        return PlanHeading.HasOwnUnits(plan, lane)
            ? $"lane {lane} [{units}]"
            : $"lane {lane} ({units})";
    }

    // |---- layer ----|---- next ----
    private static string Layers(SteadyState state, int cells)
    {
        var line = new char[cells];
        Array.Fill(line, '-');
        var names = new[] { " this layer ", " next layer " };
        for (var i = 0; i * state.Period < state.Window * 0.999; i++)
        {
            var begin = Cell(i * state.Period, state.Window, cells);
            var end = Cell((i + 1) * state.Period, state.Window, cells);
            line[begin] = '|';
            names[i].CopyTo(0, line, begin + (end - begin - names[i].Length) / 2, names[i].Length);
        }
        return new string(line);
    }

    private static string Row(int lane, NanoOpLabel[] labels, SteadyState state, int cells)
    {
        var row = new char[cells];
        Array.Fill(row, ' ');
        foreach (var block in state.Blocks)
        {
            var label = labels[block.NanoOp];
            if (label.Lane == lane)
            {
                var begin = Cell(block.Begin, state.Window, cells);
                var end = Cell(block.End, state.Window, cells);
                Paint(row.AsSpan(begin, end - begin), label);
            }
        }
        return new string(row);
    }

    // |##name## where it fits, |a# where it does not.
    private static void Paint(Span<char> cells, NanoOpLabel label)
    {
        cells.Fill(Fill(label.Op.Resource));
        if (cells.Length < 2)
        {
            return;
        }
        cells[0] = '|';
        var inside = cells[1..];
        if (label.Name.Length < inside.Length)
        {
            label.Name.CopyTo(inside[((inside.Length - label.Name.Length) / 2)..]);
        }
        else
        {
            inside[0] = label.Key;
        }
    }

    private static (string Line, string Numbers) Axis(TimeAxis axis, double window, int cells)
    {
        var line = new char[cells];
        var numbers = new char[cells];
        Array.Fill(line, '-');
        Array.Fill(numbers, ' ');
        var free = 0;
        foreach (var tick in axis.Ticks())
        {
            var cell = Math.Min(cells - 1, Cell(tick, window, cells));
            line[cell] = '+';
            var text = axis.TickText(tick);
            // The last number ends with the line.
            var begin = Math.Min(cell, cells - text.Length);
            if (begin >= free)
            {
                text.CopyTo(0, numbers, begin, text.Length);
                free = begin + text.Length + 1;
            }
        }
        return (new string(line), new string(numbers));
    }

    private static int Cell(double time, double window, int cells) =>
        (int)Math.Clamp(Math.Round(time / window * cells), 0, cells);

    // At words; a word that is longer than the line is cut.
    private static string Wrap(string text, int columns)
    {
        var lines = new List<StringBuilder> { new() };
        foreach (var word in text.Split(' '))
        {
            if (lines[^1].Length > 0 && lines[^1].Length + 1 + word.Length > columns)
            {
                lines.Add(new StringBuilder("  "));
            }
            else if (lines[^1].Length > 0)
            {
                lines[^1].Append(' ');
            }
            lines[^1].Append(word);
        }
        return string.Join('\n', lines.Select(line =>
            line.ToString(0, Math.Min(line.Length, columns))));
    }
}
