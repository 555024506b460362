// What plan files and cost files share: one JSON object that says what it is, in which version, and
// for which graph, device and program it holds.

using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace NanoFlow.Planning;

/// <param name="Format">The name in the file.</param>
/// <param name="Version">Of the form; the only one that is read.</param>
/// <param name="Root">How messages call the object.</param>
/// <param name="MaxDepth">Of objects and lists inside each other.</param>
internal sealed record OriginFile(
    string Format, int Version, string Root, int MaxBytes, int MaxDepth)
{
    private const int HashDigits = 16;
    private const int QuotedLength = 120;

    /// <exception cref="ArgumentException">It would be too large to be read again.</exception>
    public byte[] Write(Origin origin, string model, Action<Utf8JsonWriter> content)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("format", Format);
            json.WriteNumber("version", Version);
            json.WriteString("nanoflow", origin.Version);
            json.WriteString("graph", HashText(origin.Graph));
            json.WriteString("device", origin.Device);
            json.WriteString("model", model);
            content(json);
            json.WriteEndObject();
        }
        return buffer.Length <= MaxBytes
            ? buffer.ToArray()
            : throw new ArgumentException(
                $"The {Root} file would have {buffer.Length} bytes; allowed are {MaxBytes}.");
    }

    /// <summary>Reads with a document that lives as long as the call.</summary>
    /// <exception cref="PlanFormatException">It is no such file.</exception>
    public T Read<T>(ReadOnlyMemory<byte> utf8, Func<PlanSection, T> read)
    {
        if (utf8.Length > MaxBytes)
        {
            throw new PlanFormatException(
                $"{Root} file has {utf8.Length} bytes, allowed are {MaxBytes}");
        }
        try
        {
            var options = new JsonDocumentOptions
            {
                MaxDepth = MaxDepth,
                AllowDuplicateProperties = false,
            };
            using var document = JsonDocument.Parse(utf8, options);
            var root = new PlanSection(document.RootElement, Root);
            root.RequireText("format", Format);
            var version = root.Int("version", 1, int.MaxValue);
            return version == Version
                ? read(root)
                : throw root.Error("version", $"is {version}, supported is {Version}");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second: a string that is not valid Unicode, seen when it is read.
            throw new PlanFormatException($"{Root} file is not valid JSON{Reason(e)}", e);
        }
    }

    public static Origin ReadOrigin(PlanSection root)
    {
        var text = root.Text("graph", HashDigits);
        var isHash = ulong.TryParse(
            text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hash);
        if (!isHash || HashText(hash) != text)
        {
            throw root.Error("graph", $"'{text}' is no hash of {HashDigits} digits");
        }
        return new Origin(
            hash,
            root.Text("device", PlanLimits.TextLength),
            root.Text("nanoflow", PlanLimits.NameLength));
    }

    /// <summary>Refuses what was found for something else.</summary>
    public static void RequireOrigin(PlanSection root, Origin here)
    {
        var origin = ReadOrigin(root);
        Require("graph", HashText(origin.Graph), HashText(here.Graph));
        Require("device", origin.Device, here.Device);
        Require("nanoflow", origin.Version, here.Version);

        void Require(string field, string there, string own)
        {
            if (there != own)
            {
                throw root.Error(field, $"it was made for '{there}', this one is '{own}'");
            }
        }
    }

    public static string ReadModel(PlanSection root) => root.Text("model", PlanLimits.TextLength);

    /// <summary>A list of objects, each on a line of its own: files of thousands of rows that a
    /// person can still read.</summary>
    public static void WriteRows<T>(
        Utf8JsonWriter json, string field, IReadOnlyList<T> rows, Action<Utf8JsonWriter, T> fields)
    {
        var line = new ArrayBufferWriter<byte>();
        using var inner = new Utf8JsonWriter(line);
        json.WriteStartArray(field);
        var indent = Encoding.ASCII.GetBytes($"\n{new string(' ', 2 * json.CurrentDepth)}");
        foreach (var row in rows)
        {
            line.ResetWrittenCount();
            line.Write(indent);
            inner.Reset();
            inner.WriteStartObject();
            fields(inner, row);
            inner.WriteEndObject();
            inner.Flush();
            json.WriteRawValue(line.WrittenSpan, skipInputValidation: true);
        }
        json.WriteEndArray();
    }

    private static string HashText(ulong hash) =>
        hash.ToString("x16", CultureInfo.InvariantCulture);

    // The parser quotes what it cannot read, which may be the rest of the file.
    private static string Reason(Exception e)
    {
        var place = e is JsonException json
            ? $" at line {json.LineNumber + 1}, byte {json.BytePositionInLine + 1}"
            : "";
        var text = e.Message[..Math.Min(e.Message.Length, QuotedLength)];
        return $"{place}: {string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c))}";
    }
}
