// Rows and columns for people: the first column to the left, numbers to the right.

namespace NanoFlow.Cli;

internal sealed class Table(params string[] heads)
{
    private readonly List<string[]> _rows = [];

    /// <param name="cells">As many as there are heads.</param>
    public void Add(params string[] cells) => _rows.Add(cells);

    public override string ToString()
    {
        var widths = new int[heads.Length];
        foreach (var row in _rows.Prepend(heads))
        {
            for (var i = 0; i < widths.Length; i++)
            {
                widths[i] = Math.Max(widths[i], row[i].Length);
            }
        }
        return string.Concat(_rows.Prepend(heads).Select(row => Line(row, widths) + '\n'));
    }

    private static string Line(string[] row, int[] widths) => string.Join("  ", row.Select(
        (cell, i) => i == 0 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))).TrimEnd();
}
