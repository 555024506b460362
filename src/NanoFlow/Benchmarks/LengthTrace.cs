// Lengths of real requests, and when they came: a CSV file as Azure publishes its traces of
// language models. The first line names the columns; ContextTokens and GeneratedTokens must be
// there, TIMESTAMP only where arrivals are wanted; others are ignored. Rows stay in their order.

using System.Globalization;
using NanoFlow.Cli;

namespace NanoFlow.Benchmarks;

/// <param name="Input">Tokens of the prompt.</param>
/// <param name="Output">Tokens of the answer.</param>
internal readonly record struct Lengths(int Input, int Output);

/// <param name="Arrival">Since the first row; zero where arrivals were not read.</param>
internal readonly record struct TraceRow(Lengths Lengths, TimeSpan Arrival);

internal sealed class LengthTrace
{
    private const string Context = "ContextTokens";
    private const string Generated = "GeneratedTokens";
    private const string Timestamp = "TIMESTAMP";

    private readonly string _path;
    private readonly int _context;
    private readonly int _generated;
    private readonly int? _timestamp;
    private DateTimeOffset? _first;
    private TimeSpan _last;

    private LengthTrace(string path, string head, bool withArrivals)
    {
        _path = path;
        var columns = head.TrimStart('\uFEFF').Split(',').Select(name => name.Trim()).ToArray();
        _context = Column(columns, Context);
        _generated = Column(columns, Generated);
        _timestamp = withArrivals ? Column(columns, Timestamp) : null;
    }

    /// <param name="most">Rows that are read; the rest of the file does not matter.</param>
    /// <exception cref="CommandException">The file is no such trace; names the line.</exception>
    public static IReadOnlyList<TraceRow> Read(string path, bool withArrivals, int most)
    {
        using var lines = File.OpenText(path);
        return Read(path, lines, withArrivals, most);
    }

    /// <param name="path">For messages.</param>
    public static IReadOnlyList<TraceRow> Read(
        string path, TextReader lines, bool withArrivals, int most)
    {
        var number = 1;
        var buffer = new char[LoadLimits.TraceColumns + 1];
        var head = NextLine(lines, buffer, path, number);
        var trace = new LengthTrace(path, head ?? "", withArrivals);
        var rows = new List<TraceRow>();
        while (rows.Count < most && NextLine(lines, buffer, path, ++number) is { } line)
        {
            if (line.Length > 0)
            {
                rows.Add(trace.ReadRow(line.Split(','), number));
            }
            if (rows.Count > LoadLimits.TraceRows)
            {
                throw new CommandException(
                    $"{path}: more than {LoadLimits.TraceRows} rows, the most that are read");
            }
        }
        return rows.Count > 0 ? rows : throw new CommandException($"{path}: there is no row");
    }

    // ReadLine would take a file without line ends into memory as one line.
    private static string? NextLine(TextReader lines, char[] buffer, string path, int number)
    {
        var length = 0;
        int next;
        while ((next = lines.Read()) is not (-1 or '\n'))
        {
            buffer[length++] = (char)next;
            if (length == buffer.Length)
            {
                throw new CommandException(
                    $"{path}({number}): longer than {LoadLimits.TraceColumns} characters");
            }
        }
        var isEnd = next == -1 && length == 0;
        return isEnd ? null : new string(buffer, 0, length).TrimEnd('\r');
    }

    private int Column(string[] columns, string name) =>
        Array.IndexOf(columns, name) is >= 0 and var index
            ? index
            : throw new CommandException($"{_path}(1): there is no column {name}");

    private TraceRow ReadRow(string[] cells, int line)
    {
        var lengths = new Lengths(
            ReadCount(cells, _context, Context, line),
            ReadCount(cells, _generated, Generated, line));
        return new TraceRow(lengths, _timestamp is { } column
            ? ReadArrival(Cell(cells, column, Timestamp, line), line)
            : TimeSpan.Zero);
    }

    private int ReadCount(string[] cells, int column, string name, int line)
    {
        var text = Cell(cells, column, name, line);
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && count is >= 1 and <= LoadLimits.Tokens
                ? count
                : throw new CommandException(
                    $"{_path}({line}): {name} '{text}' is not 1 to {LoadLimits.Tokens}");
    }

    private TimeSpan ReadArrival(string text, int line)
    {
        if (!DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
        {
            throw new CommandException(
                $"{_path}({line}): {Timestamp} '{text}' is no date and time");
        }
        _first ??= time;
        var arrival = time - _first.Value;
        if (arrival < _last)
        {
            throw new CommandException(
                $"{_path}({line}): {Timestamp} '{text}' is before that of the line above");
        }
        return _last = arrival;
    }

    private string Cell(string[] cells, int column, string name, int line) =>
        column < cells.Length
            ? cells[column].Trim()
            : throw new CommandException($"{_path}({line}): there is no {name}");
}
