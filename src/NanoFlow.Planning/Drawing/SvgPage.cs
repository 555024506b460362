// The few elements that pictures are made of. Coordinates are pixels, rounded to hundredths at the
// edges of a shape, so that what touches in time touches on the page.

using System.Globalization;
using System.Text;
using System.Xml;

namespace NanoFlow.Planning.Drawing;

internal sealed class SvgPage : IDisposable
{
    private const string Namespace = "http://www.w3.org/2000/svg";

    private readonly StringBuilder _text = new();
    private readonly XmlWriter _xml;

    public SvgPage(double width, double height, string title)
    {
        _xml = XmlWriter.Create(
            _text, new XmlWriterSettings { OmitXmlDeclaration = true, Indent = true });
        _xml.WriteStartElement("svg", Namespace);
        Attributes(
            ("viewBox", $"0 0 {Pixels(width)} {Pixels(height)}"),
            ("width", Pixels(width)),
            ("height", Pixels(height)),
            ("font-family", "Segoe UI, Helvetica, Arial, DejaVu Sans, sans-serif"),
            ("font-size", "11"));
        Element("title", title);
    }

    public void Rectangle(
        double left,
        double top,
        double right,
        double bottom,
        string fill,
        string? tooltip = null,
        params ReadOnlySpan<(string Name, string Value)> more)
    {
        var (x, y) = (Round(left), Round(top));
        _xml.WriteStartElement("rect", Namespace);
        Attributes(
            ("x", Pixels(x)),
            ("y", Pixels(y)),
            ("width", Pixels(Math.Max(0, Round(right) - x))),
            ("height", Pixels(Math.Max(0, Round(bottom) - y))),
            ("fill", fill));
        Attributes(more);
        if (tooltip is not null)
        {
            Element("title", tooltip);
        }
        _xml.WriteEndElement();
    }

    public void Line(double x1, double y1, double x2, double y2, string stroke, bool isDashed)
    {
        _xml.WriteStartElement("line", Namespace);
        Attributes(
            ("x1", Pixels(x1)),
            ("y1", Pixels(y1)),
            ("x2", Pixels(x2)),
            ("y2", Pixels(y2)),
            ("stroke", stroke));
        if (isDashed)
        {
            Attributes(("stroke-dasharray", "4 3"));
        }
        _xml.WriteEndElement();
    }

    /// <param name="anchor">Of x: "start", "middle" or "end".</param>
    public void Text(
        double x,
        double y,
        string text,
        string fill,
        string anchor = "start",
        params ReadOnlySpan<(string Name, string Value)> more)
    {
        _xml.WriteStartElement("text", Namespace);
        Attributes(
            ("x", Pixels(x)), ("y", Pixels(y)), ("fill", fill), ("text-anchor", anchor));
        Attributes(more);
        _xml.WriteString(Clean(text));
        _xml.WriteEndElement();
    }

    /// <summary>A transformation of what stands at a place: read from below.</summary>
    public static string Upright(double x, double y) => $"rotate(-90 {Pixels(x)} {Pixels(y)})";

    /// <summary>Ends the picture.</summary>
    public override string ToString()
    {
        _xml.WriteEndElement();
        _xml.Flush();
        return _text.Append('\n').ToString();
    }

    public void Dispose() => _xml.Dispose();

    private void Element(string name, string text)
    {
        _xml.WriteStartElement(name, Namespace);
        _xml.WriteString(Clean(text));
        _xml.WriteEndElement();
    }

    private void Attributes(params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        foreach (var (name, value) in attributes)
        {
            _xml.WriteAttributeString(name, value);
        }
    }

    // Names come from files; not every character may stand in XML.
    private static string Clean(string text) =>
        text.All(XmlConvert.IsXmlChar)
            ? text
            : string.Concat(text.Select(c => XmlConvert.IsXmlChar(c) ? c : '?'));

    private static double Round(double pixels) => Math.Round(pixels, 2);

    private static string Pixels(double pixels) =>
        Round(pixels).ToString(CultureInfo.InvariantCulture);
}
