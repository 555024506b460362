// What may stand after "|". One line each in the table; the longer ones are methods below it.

using System.Globalization;
using System.Text;

namespace NanoFlow.Tokenization.Templates;

internal static class Filters
{
    private static readonly Dictionary<string, TemplateFunction> Known = new()
    {
        ["trim"] = static call => Methods.Strip(
            call with { Input = Value.Of(Str(call)) }, left: true, right: true),
        ["upper"] = static call => call.State.Made(Str(call).ToUpperInvariant()),
        ["lower"] = static call => call.State.Made(Str(call).ToLowerInvariant()),
        ["capitalize"] = Capitalize,
        ["title"] = Title,
        ["string"] = static call => call.State.Made(Str(call)),
        ["safe"] = static call => call.Input,
        ["replace"] = Replace,
        ["indent"] = Indent,
        ["tojson"] = static call => call.State.Made(
            ValueText.Json(call.Input, JsonIndent(call), call.State)),
        ["default"] = Default,
        ["d"] = Default,
        ["length"] = Length,
        ["count"] = Length,
        ["join"] = Join,
        ["items"] = Items,
        ["dictsort"] = SortedItems,
        ["list"] = static call => call.State.Made([.. call.InputItems]),
        ["first"] = static call => call.InputItems is [var first, ..] ? first : default,
        ["last"] = static call => call.InputItems is [.., var last] ? last : default,
        ["reverse"] = static call => call.Input.Kind == ValueKind.String
            ? call.State.Made(string.Concat(call.InputText.Reverse()))
            : call.State.Made([.. call.InputItems.Reverse()]),
        ["unique"] = Unique,
        ["map"] = Map,
        ["select"] = static call => Select(call, wanted: true),
        ["reject"] = static call => Select(call, wanted: false),
        ["selectattr"] = static call => SelectAttribute(call, wanted: true),
        ["rejectattr"] = static call => SelectAttribute(call, wanted: false),
        ["int"] = static call => Value.Of(ToInteger(call)),
        ["float"] = static call => Value.Of(double.TryParse(
            Str(call), CultureInfo.InvariantCulture, out var number) ? number : 0.0),
        ["abs"] = static call => call.Input.Kind == ValueKind.Float
            ? Value.Of(Math.Abs(call.Input.Float))
            : Value.Of(call.Input.Integer < 0 ? -call.Input.Integer : call.Input.Integer),
    };

    public static TemplateFunction? Find(string name) => Known.GetValueOrDefault(name);

    public static Value Capitalize(TemplateCall call)
    {
        var text = Str(call).ToLowerInvariant();
        return call.State.Made(text.Length == 0
            ? text
            : char.ToUpperInvariant(text[0]) + text[1..]);
    }

    public static Value Title(TemplateCall call)
    {
        var text = new StringBuilder(Str(call).ToLowerInvariant());
        for (var i = 0; i < text.Length; i++)
        {
            if (i == 0 || !char.IsLetter(text[i - 1]))
            {
                text[i] = char.ToUpperInvariant(text[i]);
            }
        }
        return call.State.Made(text.ToString());
    }

    public static Value Replace(TemplateCall call)
    {
        var text = Str(call);
        var old = call.Text(0, "old");
        var replacement = call.Text(1, "new");
        var left = call.Integer(2, "count", -1);
        if (old.Length == 0)
        {
            throw call.State.Error("replace: the text to find is empty");
        }
        var result = new StringBuilder();
        var done = 0;
        for (var at = text.IndexOf(old, StringComparison.Ordinal); at >= 0 && left != 0;
            at = text.IndexOf(old, done, StringComparison.Ordinal), left--)
        {
            result.Append(text, done, at - done).Append(replacement);
            call.State.CheckLength(result.Length);
            done = at + old.Length;
        }
        return call.State.Made(result.Append(text, done, text.Length - done).ToString());
    }

    public static Value Join(TemplateCall call)
    {
        var separator = call.Text(0, "d", absent: "");
        var attribute = call.Argument(1, "attribute");
        var text = new StringBuilder();
        foreach (var item in call.InputItems)
        {
            var value = attribute.IsUndefined
                ? item
                : ValueOperations.Index(item, attribute, call.State);
            text.Append(ValueText.Str(value, call.State)).Append(separator);
            call.State.CheckLength(text.Length);
        }
        text.Length = Math.Max(0, text.Length - separator.Length);
        return call.State.Made(text.ToString());
    }

    public static Value Items(TemplateCall call) => call.Input.Kind switch
    {
        ValueKind.Mapping => call.State.Made([.. call.Input.Map.Select(Pair)]),
        ValueKind.Undefined => Value.Of(new List<Value>()),
        _ => throw call.State.Error("items: a mapping is expected"),
    };

    private static string Str(TemplateCall call) => ValueText.Str(call.Input, call.State);

    private static Value Pair(KeyValuePair<Value, Value> entry) =>
        Value.Of([entry.Key, entry.Value]);

    private static Value SortedItems(TemplateCall call)
    {
        var entries = call.Input.Kind == ValueKind.Mapping
            ? call.Input.Map
            : throw call.State.Error("dictsort: a mapping is expected");
        // Integers by value; strings all have the integer 0.
        var sorted = entries.OrderBy(static entry => entry.Key.Integer).ThenBy(
            entry => ValueText.Str(entry.Key, call.State), StringComparer.OrdinalIgnoreCase);
        return call.State.Made([.. sorted.Select(Pair)]);
    }

    private static int JsonIndent(TemplateCall call) =>
        (int)Math.Clamp(call.Integer(int.MaxValue, "indent", -1), -1, 64);

    private static Value Indent(TemplateCall call)
    {
        var width = call.Argument(0, "width");
        var prefix = width.Kind == ValueKind.String
            ? width.Text
            : new string(' ', (int)Math.Clamp(call.Integer(0, "width", 4), 0, 1000));
        var first = call.Argument(1, "first").IsTrue;
        var blank = call.Argument(2, "blank").IsTrue;
        var lines = Str(call).Split('\n');
        call.State.CheckLength((long)lines.Length * prefix.Length);
        for (var i = 0; i < lines.Length; i++)
        {
            var indents = i == 0 ? first : blank || lines[i].Length > 0;
            lines[i] = indents ? prefix + lines[i] : lines[i];
        }
        return call.State.Made(string.Join('\n', lines));
    }

    // With a true second argument, everything false counts as missing.
    private static Value Default(TemplateCall call)
    {
        var missing = call.Input.IsUndefined
            || (call.Argument(1, "boolean").IsTrue && !call.Input.IsTrue);
        return !missing ? call.Input
            : call.Has(0, "default_value") ? call.Argument(0, "default_value")
            : Value.Of("");
    }

    private static Value Length(TemplateCall call) => call.Input.Kind switch
    {
        ValueKind.String => Value.Of((long)call.Input.Text.Length
            - call.Input.Text.Count(char.IsLowSurrogate)),
        ValueKind.List => Value.Of((long)call.Input.List.Count),
        ValueKind.Mapping => Value.Of((long)call.Input.Map.Count),
        ValueKind.Undefined => Value.Of(0L),
        _ => throw call.State.Error($"{ValueOperations.Name(call.Input)} has no length"),
    };

    private static Value Unique(TemplateCall call)
    {
        var kept = new List<Value>();
        foreach (var item in call.InputItems)
        {
            call.State.Step(kept.Count);
            if (!kept.Exists(value => ValueOperations.AreEqual(value, item, call.State)))
            {
                kept.Add(item);
            }
        }
        return Value.Of(kept);
    }

    // map(attribute="name"), or map("filter", arguments…).
    private static Value Map(TemplateCall call)
    {
        var attribute = call.Argument(int.MaxValue, "attribute");
        if (!attribute.IsUndefined)
        {
            return call.State.Made([.. call.InputItems.Select(item =>
                OrDefault(ValueOperations.Index(item, attribute, call.State), call))]);
        }
        var name = call.Text(0, "filter");
        var filter = Find(name) ?? throw call.State.Error($"filter '{name}' is not supported");
        return call.State.Made([.. call.InputItems.Select(item => filter(Inner(call, item, 1)))]);
    }

    private static Value OrDefault(Value value, TemplateCall call) =>
        value.IsUndefined ? call.Argument(int.MaxValue, "default") : value;

    // select("test", arguments…); without a test the truth of the item decides.
    private static Value Select(TemplateCall call, bool wanted)
    {
        var test = TestAt(call, 0);
        return call.State.Made([.. call.InputItems.Where(item =>
            test(Inner(call, item, 1)).IsTrue == wanted)]);
    }

    // selectattr("name", "test", arguments…).
    private static Value SelectAttribute(TemplateCall call, bool wanted)
    {
        var attribute = Value.Of(call.Text(0, "attribute"));
        var test = TestAt(call, 1);
        return call.State.Made([.. call.InputItems.Where(item =>
        {
            var value = ValueOperations.Index(item, attribute, call.State);
            return test(Inner(call, value, 2)).IsTrue == wanted;
        })]);
    }

    private static TemplateFunction TestAt(TemplateCall call, int index)
    {
        if (!call.Has(index))
        {
            return static inner => Value.Of(inner.Input.IsTrue);
        }
        var name = call.Text(index, "test");
        return Tests.Find(name) ?? throw call.State.Error($"test '{name}' is not supported");
    }

    private static TemplateCall Inner(TemplateCall call, Value input, int skip)
    {
        call.State.Step();
        return new TemplateCall(call.State, input, [.. call.Positional.Skip(skip)]);
    }

    private static long ToInteger(TemplateCall call) => call.Input.Kind switch
    {
        ValueKind.Float => (long)call.Input.Float,
        ValueKind.Integer or ValueKind.Boolean => call.Input.Integer,
        _ => long.TryParse(Str(call).Trim(), CultureInfo.InvariantCulture, out var number)
            ? number
            : call.Integer(0, "default", 0),
    };
}
