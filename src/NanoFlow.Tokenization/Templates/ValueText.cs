// Values as text: str() as an output tag prints it, repr() as it appears inside a printed list, and
// tojson with the separators of Python's json.dumps (", " and ": ").

using System.Globalization;
using System.Text;

namespace NanoFlow.Tokenization.Templates;

internal static class ValueText
{
    private const int MaximumDepth = 100;

    public static string Str(in Value value, RenderState state)
    {
        if (value.Kind is ValueKind.String or ValueKind.Undefined)
        {
            return value.IsUndefined ? "" : value.Text;
        }
        var text = new StringBuilder();
        AppendRepr(text, value, new Layout(-1, 0, state));
        return text.ToString();
    }

    // Indent below zero writes everything on one line.
    public static string Json(in Value value, int indent, RenderState state)
    {
        var text = new StringBuilder();
        AppendJson(text, value, new Layout(indent, 0, state));
        return text.ToString();
    }

    private readonly record struct Layout(int Indent, int Depth, RenderState State)
    {
        public Layout Deeper => this with { Depth = Depth + 1 };

        // One more value is about to be written.
        public void Count(StringBuilder text)
        {
            State.Step();
            State.CheckLength(text.Length);
            if (Depth > MaximumDepth)
            {
                throw State.Error($"value nested deeper than {MaximumDepth}");
            }
        }

        public void Break(StringBuilder text)
        {
            if (Indent >= 0)
            {
                text.Append('\n').Append(' ', Indent * Depth);
            }
        }
    }

    private static void AppendRepr(StringBuilder text, in Value value, Layout layout)
    {
        layout.Count(text);
        switch (value.Kind)
        {
            case ValueKind.None:
                text.Append("None");
                break;
            case ValueKind.Boolean:
                text.Append(value.IsTrue ? "True" : "False");
                break;
            case ValueKind.Integer:
                text.Append(CultureInfo.InvariantCulture, $"{value.Integer}");
                break;
            case ValueKind.Float:
                text.Append(FloatText(value.Float));
                break;
            case ValueKind.String:
                AppendQuoted(text, value.Text);
                break;
            case ValueKind.List:
                text.Append('[');
                for (var i = 0; i < value.List.Count; i++)
                {
                    text.Append(i > 0 ? ", " : "");
                    AppendRepr(text, value.List[i], layout.Deeper);
                }
                text.Append(']');
                break;
            case ValueKind.Mapping:
                AppendMapRepr(text, value.Map, layout);
                break;
            default:
                text.Append(value.IsUndefined ? "Undefined" : $"<{value.Kind}>");
                break;
        }
    }

    private static void AppendMapRepr(
        StringBuilder text, Dictionary<Value, Value> map, Layout layout)
    {
        text.Append('{');
        var separator = "";
        foreach (var (key, value) in map)
        {
            text.Append(separator);
            AppendRepr(text, key, layout.Deeper);
            text.Append(": ");
            AppendRepr(text, value, layout.Deeper);
            separator = ", ";
        }
        text.Append('}');
    }

    private static void AppendQuoted(StringBuilder text, string value)
    {
        var quote = value.Contains('\'', StringComparison.Ordinal)
            && !value.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        text.Append(quote);
        foreach (var c in value)
        {
            _ = c switch
            {
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                '\\' => text.Append("\\\\"),
                _ when c == quote => text.Append('\\').Append(c),
                < ' ' or '\x7F' => text.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}"),
                _ => text.Append(c),
            };
        }
        text.Append(quote);
    }

    private static void AppendJson(StringBuilder text, in Value value, Layout layout)
    {
        layout.Count(text);
        switch (value.Kind)
        {
            case ValueKind.None:
                text.Append("null");
                break;
            case ValueKind.Boolean:
                text.Append(value.IsTrue ? "true" : "false");
                break;
            case ValueKind.Integer or ValueKind.Float:
                text.Append(Str(value, layout.State));
                break;
            case ValueKind.String:
                AppendJsonString(text, value.Text);
                break;
            case ValueKind.List:
                AppendJsonList(text, value.List, layout);
                break;
            case ValueKind.Mapping:
                AppendJsonMap(text, value.Map, layout);
                break;
            default:
                throw layout.State.Error($"tojson: {value.Kind} has no JSON form");
        }
    }

    private static void AppendJsonList(StringBuilder text, List<Value> list, Layout layout)
    {
        text.Append('[');
        for (var i = 0; i < list.Count; i++)
        {
            AppendSeparator(text, i == 0, layout);
            AppendJson(text, list[i], layout.Deeper);
        }
        Close(text, ']', list.Count, layout);
    }

    private static void AppendJsonMap(
        StringBuilder text, Dictionary<Value, Value> map, Layout layout)
    {
        text.Append('{');
        var first = true;
        foreach (var (key, value) in map)
        {
            AppendSeparator(text, first, layout);
            first = false;
            AppendJsonString(text, Str(key, layout.State));
            text.Append(": ");
            AppendJson(text, value, layout.Deeper);
        }
        Close(text, '}', map.Count, layout);
    }

    private static void AppendSeparator(StringBuilder text, bool first, Layout layout)
    {
        text.Append(first ? "" : layout.Indent < 0 ? ", " : ",");
        layout.Deeper.Break(text);
    }

    private static void Close(StringBuilder text, char bracket, int count, Layout layout)
    {
        if (count > 0)
        {
            layout.Break(text);
        }
        text.Append(bracket);
    }

    private static void AppendJsonString(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (var c in value)
        {
            _ = c switch
            {
                '"' => text.Append("\\\""),
                '\\' => text.Append("\\\\"),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                '\b' => text.Append("\\b"),
                '\f' => text.Append("\\f"),
                < ' ' => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => text.Append(c),
            };
        }
        text.Append('"');
    }

    // Python's repr: the shortest digits; an exponent from 1e16 on and below 1e-4.
    private static string FloatText(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }
        var sign = double.IsNegative(value) ? "-" : "";
        var (digits, power) = ShortestDigits(Math.Abs(value));
        if (power is < -4 or >= 16)
        {
            var fraction = digits.Length > 1 ? "." + digits[1..] : "";
            return $"{sign}{digits[0]}{fraction}e{(power < 0 ? '-' : '+')}{Math.Abs(power):00}";
        }
        if (power < 0)
        {
            return $"{sign}0.{new string('0', -power - 1)}{digits}";
        }
        digits = digits.PadRight(power + 2, '0');
        return $"{sign}{digits[..(power + 1)]}.{digits[(power + 1)..]}";
    }

    // The digits without zeros at either end, and the power of ten of the first.
    private static (string Digits, int Power) ShortestDigits(double value)
    {
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        var end = text.IndexOf('E', StringComparison.Ordinal);
        var mantissa = end < 0 ? text : text[..end];
        var exponent = end < 0 ? 0 : int.Parse(text.AsSpan(end + 1), NumberStyles.Integer, null);
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var whole = point < 0 ? mantissa.Length : point;
        var all = mantissa.Replace(".", "", StringComparison.Ordinal);
        var digits = all.TrimStart('0');
        var power = exponent + whole - 1 - (all.Length - digits.Length);
        digits = digits.TrimEnd('0');
        return digits.Length == 0 ? ("0", 0) : (digits, power);
    }
}
