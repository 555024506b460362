// The functions every template can call: namespace, range, dict, raise_exception, strftime_now.

using System.Globalization;
using System.Text;

namespace NanoFlow.Tokenization.Templates;

internal static class Globals
{
    private const int MaximumRange = 100_000;

    public static Dictionary<string, Value> Create() => new()
    {
        ["namespace"] = Value.Of(static call => Value.Namespace(Copy(call))),
        ["dict"] = Value.Of(static call => Value.Of(Copy(call))),
        ["range"] = Value.Of(Range),
        ["raise_exception"] = Value.Of(
            static call => throw call.State.Error(call.Text(0, "message"))),
        ["strftime_now"] = Value.Of(static call => call.State.Made(
            Strftime(call.State.Clock.GetLocalNow(), call.Text(0, "format"), call.State))),
    };

    private static Dictionary<Value, Value> Copy(TemplateCall call)
    {
        var copy = call.Argument(0) is { Kind: ValueKind.Mapping } source
            ? new Dictionary<Value, Value>(source.Map)
            : [];
        foreach (var (name, value) in call.Named)
        {
            copy[Value.Of(name)] = value;
        }
        return copy;
    }

    private static Value Range(TemplateCall call)
    {
        var single = !call.Has(1);
        var start = single ? 0 : call.Integer(0, "start", 0);
        var stop = call.Integer(single ? 0 : 1, "stop", 0);
        var step = call.Integer(2, "step", 1);
        if (step == 0)
        {
            throw call.State.Error("range: step is zero");
        }
        var items = new List<Value>();
        for (var i = start; step > 0 ? i < stop : i > stop; i += step)
        {
            if (items.Count == MaximumRange)
            {
                throw call.State.Error($"range: more than {MaximumRange} numbers");
            }
            items.Add(Value.Of(i));
        }
        return call.State.Made(items);
    }

    private static string Strftime(DateTimeOffset time, string format, RenderState state)
    {
        var text = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }
            var unpadded = format[++i] == '-' && i + 1 < format.Length;
            i += unpadded ? 1 : 0;
            var field = Field(time, format[i])
                ?? throw state.Error($"strftime_now: '%{format[i]}' is not supported");
            text.Append(unpadded && field.Length > 1 ? field.TrimStart('0') : field);
        }
        return text.ToString();
    }

    private static string? Field(DateTimeOffset time, char letter)
    {
        var format = letter switch
        {
            'Y' => "yyyy",
            'y' => "yy",
            'm' => "MM",
            'd' => "dd",
            'B' => "MMMM",
            'b' => "MMM",
            'A' => "dddd",
            'a' => "ddd",
            'H' => "HH",
            'I' => "hh",
            'M' => "mm",
            'S' => "ss",
            'p' => "tt",
            'F' => "yyyy-MM-dd",
            'T' => "HH:mm:ss",
            _ => null,
        };
        return letter switch
        {
            '%' => "%",
            'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
            _ => format is null ? null : time.ToString(format, CultureInfo.InvariantCulture),
        };
    }
}
