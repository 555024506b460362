// One JSON object of a configuration file, read field by field with type and range checks.
//
// JSON null reads as absent, as the Python writers mean it. Every refusal names the file and the
// path of the field (rope_scaling.factor), shows the value found, and says what is wanted.
// Duplicate keys, NaN, Infinity, comments, deep nesting and undecodable text are refused by the
// parse itself, before any field is asked for.

using System.Text.Json;

namespace NanoFlow.Models;

internal sealed class JsonSection
{
    private const int ShownValueChars = 60;

    private readonly string _file;
    private readonly string _prefix;
    private readonly JsonElement _object;

    private JsonSection(string file, string prefix, JsonElement value)
    {
        _file = file;
        _prefix = prefix;
        _object = value;
    }

    internal static JsonSection Parse(string file, byte[] utf8)
    {
        var root = ParseRoot(file, utf8);
        return root.ValueKind == JsonValueKind.Object
            ? new JsonSection(file, "", root)
            : throw new ModelFormatException(file, $"a JSON object is wanted, found {Show(root)}");
    }

    internal JsonElement.ObjectEnumerator Fields => _object.EnumerateObject();

    internal ModelFormatException Error(string name, string detail) =>
        new(_file, $"{_prefix}{name} {detail}");

    internal bool Has(string name) => TryGet(name, out _);

    /// <summary>Is there such a field, be it null?</summary>
    internal bool States(string name) => _object.TryGetProperty(name, out _);

    internal int Int(string name, IntRange range) =>
        OptionalInt(name, range) ?? throw Error(name, $"is missing, {range.Wanted}");

    internal double Real(string name, RealRange range) =>
        OptionalReal(name, range) ?? throw Error(name, $"is missing, {range.Wanted}");

    internal int? OptionalInt(string name, IntRange range) =>
        TryGet(name, out var value) ? ReadInt(name, value, range) : null;

    internal double? OptionalReal(string name, RealRange range) =>
        TryGet(name, out var value) ? ReadReal(name, value, range) : null;

    internal bool? OptionalBool(string name)
    {
        if (!TryGet(name, out var value))
        {
            return null;
        }

        return value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : throw Error(name, $"is {Show(value)}, true or false is wanted");
    }

    internal string? OptionalText(string name) =>
        TryGet(name, out var value) ? ReadText(name, value) : null;

    internal string Text(string name) =>
        OptionalText(name) ?? throw Error(name, "is missing, a string is wanted");

    internal JsonSection? OptionalSection(string name)
    {
        if (!TryGet(name, out var value))
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Object
            ? new JsonSection(_file, $"{_prefix}{name}.", value)
            : throw Error(name, $"is {Show(value)}, an object is wanted");
    }

    /// <summary>An integer, or a list of them, or absent (an empty list).</summary>
    internal IReadOnlyList<int> IntOrList(string name, IntRange range, int maxCount)
    {
        if (!TryGet(name, out var value))
        {
            return [];
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            return [ReadInt(name, value, range)];
        }

        CheckCount(name, value, maxCount);
        return value.EnumerateArray().Select((item, i) => ReadInt($"{name}[{i}]", item, range))
            .Distinct().ToArray();
    }

    internal IReadOnlyList<string> TextList(string name, int maxCount)
    {
        if (!TryGet(name, out var value))
        {
            throw Error(name, "is missing, a list of strings is wanted");
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            throw Error(name, $"is {Show(value)}, a list of strings is wanted");
        }

        CheckCount(name, value, maxCount);
        return value.EnumerateArray().Select((item, i) => ReadText($"{name}[{i}]", item))
            .ToArray();
    }

    /// <summary>A list of so many numbers.</summary>
    internal IReadOnlyList<double> RealList(string name, RealRange range, int count)
    {
        if (!TryGet(name, out var value) || value.ValueKind != JsonValueKind.Array
            || value.GetArrayLength() != count)
        {
            throw Error(name, $"is not a list of {count} numbers");
        }

        return value.EnumerateArray().Select((item, i) => ReadReal($"{name}[{i}]", item, range))
            .ToArray();
    }

    internal string ReadText(string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw Error(name, $"is {Show(value)}, a string is wanted");

    private static JsonElement ParseRoot(string file, byte[] utf8)
    {
        var options = new JsonDocumentOptions
        {
            AllowDuplicateProperties = false,
            MaxDepth = ModelLimits.JsonDepth,
        };
        try
        {
            CheckText(utf8);
            return JsonElement.Parse(utf8, options);
        }
        catch (JsonException e)
        {
            throw new ModelFormatException(file, $"not valid JSON: {e.Message}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new ModelFormatException(file, "holds text that is not valid Unicode", e);
        }
    }

    // JSON may be well formed and yet hold keys and strings that cannot be decoded (bytes that
    // are not UTF-8, lone surrogates). Decoding all once makes every later access safe.
    private static void CheckText(byte[] utf8)
    {
        var options = new JsonReaderOptions { MaxDepth = ModelLimits.JsonDepth };
        var reader = new Utf8JsonReader(utf8, options);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String)
            {
                _ = reader.GetString();
            }
        }
    }

    private bool TryGet(string name, out JsonElement value) =>
        _object.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;

    private int ReadInt(string name, JsonElement value, IntRange range)
    {
        var ok = value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number)
            && number >= range.Min && number <= range.Max;
        return ok ? value.GetInt32() : throw Error(name, $"is {Show(value)}, {range.Wanted}");
    }

    private double ReadReal(string name, JsonElement value, RealRange range)
    {
        // A literal such as 1e999 parses as infinity, which the comparison refuses.
        var ok = value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number)
            && number >= range.Min && number <= range.Max;
        return ok ? value.GetDouble() : throw Error(name, $"is {Show(value)}, {range.Wanted}");
    }

    private void CheckCount(string name, JsonElement list, int maxCount)
    {
        if (list.GetArrayLength() > maxCount)
        {
            throw Error(name, $"has {list.GetArrayLength()} items, at most {maxCount} are allowed");
        }
    }

    private static string Show(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                return "an object";
            case JsonValueKind.Array:
                return "a list";
            default:
                var text = value.GetRawText();
                return text.Length <= ShownValueChars ? text : text[..ShownValueChars] + "...";
        }
    }
}
