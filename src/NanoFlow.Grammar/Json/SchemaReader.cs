// Reads the keywords of a schema. Three kinds: those that are followed, those that say nothing
// about what is valid, and the rest. The rest is refused, but for keywords that only narrow what is
// valid: without strict those are let go, as the documentation says.

using System.Text.Json;

namespace NanoFlow.Grammar.Json;

internal sealed class SchemaReader(bool isStrict)
{
    private static readonly HashSet<string> Annotations =
    [
        "title", "description", "default", "examples", "example", "deprecated", "readOnly",
        "writeOnly", "$schema", "$id", "$comment", "$defs", "definitions", "$anchor",
    ];

    private static readonly HashSet<string> Narrowing =
    [
        "multipleOf", "uniqueItems", "minProperties", "maxProperties", "contains", "minContains",
        "maxContains", "propertyNames", "contentEncoding", "contentMediaType", "contentSchema",
    ];

    private static readonly HashSet<string> Refused =
    [
        "not", "if", "then", "else", "patternProperties", "dependentRequired", "dependentSchemas",
        "dependencies", "unevaluatedItems", "unevaluatedProperties", "additionalItems",
        "$dynamicRef", "$recursiveRef",
    ];

    private static readonly Dictionary<string, JsonTypes> TypeNames = new()
    {
        ["object"] = JsonTypes.Object,
        ["array"] = JsonTypes.Array,
        ["string"] = JsonTypes.String,
        ["number"] = JsonTypes.Number,
        ["integer"] = JsonTypes.Integer,
        ["boolean"] = JsonTypes.Boolean,
        ["null"] = JsonTypes.Null,
    };

    public SchemaNode Read(JsonElement schema, string path)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return schema.ValueKind == JsonValueKind.True ? SchemaNode.Any : SchemaNode.Never;
        }
        if (schema.ValueKind != JsonValueKind.Object)
        {
            throw Error(path, "a schema is an object or a boolean");
        }
        var node = new SchemaNode { Path = path };
        foreach (var keyword in schema.EnumerateObject())
        {
            node = ReadKeyword(node, keyword.Name, keyword.Value, $"{path}/{keyword.Name}");
        }
        return node;
    }

    private SchemaNode ReadKeyword(SchemaNode node, string name, JsonElement value, string path)
    {
        switch (name)
        {
            case "type":
                return node with { Types = ReadTypes(value, path) };
            case "$ref":
                return node with { References = [Text(value, path)] };
            case "allOf":
                return node with { AllOf = ReadList(value, path) };
            case "anyOf" or "oneOf":
                return node with { AnyOf = [.. node.AnyOf, ReadList(value, path)] };
            case "enum":
                return node with { Values = ReadValues(value, node.Values, path) };
            case "const":
                return node with { Values = Meet(node.Values, [value]) };
            case "properties":
                return node with
                {
                    ListsProperties = true,
                    Properties = ReadProperties(value, path),
                };
            case "required":
                return node with { Required = ReadNames(value, path) };
            case "additionalProperties":
                return node with { Additional = Read(value, path) };
            case "prefixItems":
            case "items" when value.ValueKind == JsonValueKind.Array:
                return node with { Prefix = ReadList(value, path) };
            case "items":
                return node with { Items = Read(value, path) };
            case "minItems":
                return node with { ItemCount = (Count(value, path), node.ItemCount.Maximum) };
            case "maxItems":
                return node with { ItemCount = (node.ItemCount.Minimum, Count(value, path)) };
            case "minLength":
                return node with { Length = (Count(value, path), node.Length.Maximum) };
            case "maxLength":
                return node with { Length = (node.Length.Minimum, Count(value, path)) };
            case "pattern":
                return node with { Pattern = Text(value, path) };
            case "format":
                return ReadFormat(node, Text(value, path), path);
            case "minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum":
                return node with { Range = ReadBound(node.Range, name, value, path) };
            default:
                RefuseUnknown(name, path);
                return node;
        }
    }

    private void RefuseUnknown(string name, string path)
    {
        if (Refused.Contains(name))
        {
            throw Error(path, "the keyword is not supported");
        }
        if (isStrict && !Annotations.Contains(name))
        {
            throw Error(path, Narrowing.Contains(name)
                ? "the keyword is not supported with strict, and ignored without it"
                : "the keyword is not known; without strict it is ignored");
        }
    }

    private SchemaNode ReadFormat(SchemaNode node, string format, string path)
    {
        if (Formats.PatternOf(format) is not null)
        {
            return node with { Format = format };
        }
        return isStrict
            ? throw Error(path, $"'{format}' is not supported with strict, and ignored without it")
            : node;
    }

    private static JsonTypes ReadTypes(JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            return TypeNames.TryGetValue(Text(value, path), out var type)
                ? type
                : throw Error(path, "no type of JSON Schema");
        }
        var types = value.EnumerateArray().Aggregate(
            JsonTypes.None, (types, item) => types | ReadTypes(item, path));
        return types == JsonTypes.None ? throw Error(path, "it is empty") : types;
    }

    private IReadOnlyList<SchemaNode> ReadList(JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0)
        {
            throw Error(path, "it must be a list of schemas");
        }
        return [.. value.EnumerateArray().Select((item, i) => Read(item, $"{path}/{i}"))];
    }

    private static IReadOnlyList<JsonElement> ReadValues(
        JsonElement value, IReadOnlyList<JsonElement>? before, string path)
    {
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0)
        {
            throw Error(path, "it must be a list of values");
        }
        return Meet(before, [.. value.EnumerateArray()]);
    }

    public static IReadOnlyList<JsonElement> Meet(
        IReadOnlyList<JsonElement>? a, IReadOnlyList<JsonElement> b) => a is null
        ? b
        : [.. a.Where(x => b.Any(y => JsonElement.DeepEquals(x, y)))];

    private List<(string, SchemaNode)> ReadProperties(JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            throw Error(path, "it must be an object of schemas");
        }
        var names = new HashSet<string>();
        var properties = new List<(string, SchemaNode)>();
        foreach (var property in value.EnumerateObject())
        {
            if (!names.Add(property.Name))
            {
                throw Error(path, $"'{property.Name}' stands twice");
            }
            properties.Add((property.Name, Read(property.Value, $"{path}/{property.Name}")));
        }
        return properties;
    }

    private static IReadOnlyList<string> ReadNames(JsonElement value, string path) =>
        value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select(item => Text(item, path)).Distinct()]
            : throw Error(path, "it must be a list of names");

    private static int Count(JsonElement value, string path) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var count)
        && count == Math.Floor(count) && count is >= 0 and <= GrammarLimits.Repeat
            ? (int)count
            : throw Error(path, $"it must be a whole number from 0 to {GrammarLimits.Repeat}");

    private static NumberRange ReadBound(
        NumberRange range, string name, JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var bound))
        {
            throw Error(path, "it must be a number");
        }
        // Beyond what is generated anyway a bound says nothing, or everything.
        var clamped = Math.Clamp(bound, -1e15, 1e15);
        var exact = value.TryGetDecimal(out var given) && Math.Abs(bound) < 1e15
            ? given
            : (decimal)clamped;
        var isOut = name.StartsWith("exclusive", StringComparison.Ordinal);
        var other = new NumberRange(null, false, null, false);
        return Meet(range, name.EndsWith("inimum", StringComparison.Ordinal)
            ? other with { Minimum = exact, IsMinimumOut = isOut }
            : other with { Maximum = exact, IsMaximumOut = isOut });
    }

    public static NumberRange Meet(NumberRange a, NumberRange b)
    {
        var takesMinimum = b.Minimum is { } low && (a.Minimum is null || low > a.Minimum
            || (low == a.Minimum && b.IsMinimumOut));
        var takesMaximum = b.Maximum is { } high && (a.Maximum is null || high < a.Maximum
            || (high == a.Maximum && b.IsMaximumOut));
        return new NumberRange(
            takesMinimum ? b.Minimum : a.Minimum,
            takesMinimum ? b.IsMinimumOut : a.IsMinimumOut,
            takesMaximum ? b.Maximum : a.Maximum,
            takesMaximum ? b.IsMaximumOut : a.IsMaximumOut);
    }

    private static string Text(JsonElement value, string path)
    {
        try
        {
            return value.GetString() ?? throw Error(path, "it must be a string");
        }
        catch (InvalidOperationException)
        {
            throw Error(path, "it must be a string of valid characters");
        }
    }

    public static GrammarException Error(string path, string reason) => new($"{path}: {reason}");
}
