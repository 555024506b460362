// What a command found out, as a table for people or as one JSON object for programs.

using System.Text.Encodings.Web;
using System.Text.Json;

namespace NanoFlow.Cli;

internal sealed class Figures
{
    private readonly List<(string Key, string Label, object? Value, string Text)> _rows = [];

    /// <param name="key">In JSON.</param>
    /// <param name="label">In the table; empty: it is only in JSON.</param>
    /// <param name="value">A long, an int, a double, a bool or a string.</param>
    /// <param name="text">How the table shows it; as it is when null.</param>
    public void Add(string key, string label, object? value, string? text = null) =>
        _rows.Add((key, label, value, text ?? FormattableString.Invariant($"{value}")));

    /// <summary>What only programs want to have apart.</summary>
    public void Add(string key, object? value) => _rows.Add((key, "", value, ""));

    public void Write(bool asJson)
    {
        if (asJson)
        {
            WriteJson();
            return;
        }

        var width = _rows.Max(row => row.Label.Length);
        foreach (var (_, label, _, text) in _rows.Where(row => row.Label.Length > 0))
        {
            Console.WriteLine($"{label.PadRight(width)}  {text}");
        }
    }

    public static string Bytes(long bytes) => bytes switch
    {
        >= 1L << 30 => FormattableString.Invariant($"{bytes / (double)(1L << 30):F2} GiB"),
        >= 1L << 20 => FormattableString.Invariant($"{bytes / (double)(1L << 20):F1} MiB"),
        _ => FormattableString.Invariant($"{bytes / 1024.0:F1} KiB"),
    };

    /// <summary>One JSON object on stdout, and a line's end.</summary>
    public static void WriteObject(Action<Utf8JsonWriter> writeFields)
    {
        using var stream = Console.OpenStandardOutput();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions
        {
            Indented = true,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
        {
            json.WriteStartObject();
            writeFields(json);
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
    }

    private void WriteJson() => WriteObject(json =>
    {
        foreach (var (key, _, value, _) in _rows)
        {
            WriteValue(json, key, value);
        }
    });

    private static void WriteValue(Utf8JsonWriter json, string key, object? value)
    {
        switch (value)
        {
            case int number:
                json.WriteNumber(key, number);
                break;
            case long number:
                json.WriteNumber(key, number);
                break;
            case double number:
                json.WriteNumber(key, number);
                break;
            case bool flag:
                json.WriteBoolean(key, flag);
                break;
            default:
                json.WriteString(key, (string?)value);
                break;
        }
    }
}
