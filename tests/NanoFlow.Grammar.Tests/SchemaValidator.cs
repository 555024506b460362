// A plain validator that shares nothing with the compiler: the oracle of what was generated.

using System.Text.Json;
using System.Text.RegularExpressions;

namespace NanoFlow.Grammar.Tests;

internal sealed class SchemaValidator(JsonElement root)
{
    public bool IsValid(JsonElement value) => IsValid(root, value);

    private bool IsValid(JsonElement schema, JsonElement value)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return schema.ValueKind == JsonValueKind.True;
        }
        return schema.EnumerateObject().All(keyword =>
            Holds(schema, keyword.Name, keyword.Value, value));
    }

    private bool Holds(JsonElement schema, string keyword, JsonElement said, JsonElement value) =>
        keyword switch
        {
            "type" => said.ValueKind == JsonValueKind.Array
                ? said.EnumerateArray().Any(type => IsOfType(type.GetString()!, value))
                : IsOfType(said.GetString()!, value),
            "enum" => said.EnumerateArray().Any(item => JsonElement.DeepEquals(item, value)),
            "const" => JsonElement.DeepEquals(said, value),
            "anyOf" or "oneOf" => said.EnumerateArray().Any(branch => IsValid(branch, value)),
            "allOf" => said.EnumerateArray().All(branch => IsValid(branch, value)),
            "$ref" => IsValid(Resolve(said.GetString()!), value),
            "minimum" => Number(value) is not { } n || n >= said.GetDouble(),
            "maximum" => Number(value) is not { } n || n <= said.GetDouble(),
            "exclusiveMinimum" => Number(value) is not { } n || n > said.GetDouble(),
            "exclusiveMaximum" => Number(value) is not { } n || n < said.GetDouble(),
            "minLength" => Length(value) is not { } n || n >= said.GetInt32(),
            "maxLength" => Length(value) is not { } n || n <= said.GetInt32(),
            "pattern" => value.ValueKind != JsonValueKind.String
                || Regex.IsMatch(value.GetString()!, said.GetString()!, RegexOptions.ECMAScript),
            "format" => value.ValueKind != JsonValueKind.String
                || IsOfFormat(said.GetString()!, value.GetString()!),
            "minItems" => Items(value) is not { } n || n >= said.GetInt32(),
            "maxItems" => Items(value) is not { } n || n <= said.GetInt32(),
            "items" => Items(value) is null || value.EnumerateArray()
                .Skip(schema.TryGetProperty("prefixItems", out var p) ? p.GetArrayLength() : 0)
                .All(item => IsValid(said, item)),
            "prefixItems" => Items(value) is null
                || value.EnumerateArray().Zip(said.EnumerateArray(), (v, s) => IsValid(s, v))
                    .All(static holds => holds),
            "required" => value.ValueKind != JsonValueKind.Object || said.EnumerateArray()
                .All(name => value.TryGetProperty(name.GetString()!, out _)),
            "properties" => value.ValueKind != JsonValueKind.Object || value.EnumerateObject()
                .All(p => !said.TryGetProperty(p.Name, out var inner) || IsValid(inner, p.Value)),
            "additionalProperties" => value.ValueKind != JsonValueKind.Object
                || value.EnumerateObject().All(p => IsListed(schema, p.Name)
                    || IsValid(said, p.Value)),
            "$defs" or "title" or "description" => true,
            _ => throw new InvalidOperationException($"the validator does not know {keyword}"),
        };

    private static bool IsListed(JsonElement schema, string name) =>
        schema.TryGetProperty("properties", out var listed) && listed.TryGetProperty(name, out _);

    private JsonElement Resolve(string pointer) => pointer.Split('/').Skip(1)
        .Aggregate(root, static (at, name) => at.GetProperty(name));

    private static double? Number(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    private static int? Length(JsonElement value) => value.ValueKind == JsonValueKind.String
        ? value.GetString()!.EnumerateRunes().Count()
        : null;

    private static int? Items(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? value.GetArrayLength() : null;

    private static bool IsOfType(string type, JsonElement value) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => Number(value) is { } n && n == Math.Floor(n),
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        _ => value.ValueKind == JsonValueKind.Null,
    };

    private static bool IsOfFormat(string format, string text) => format switch
    {
        "date" => DateOnly.TryParseExact(text, "yyyy-MM-dd", out _),
        "date-time" => DateTimeOffset.TryParse(text, out _),
        "uuid" => Guid.TryParseExact(text, "D", out _),
        "ipv4" => System.Net.IPAddress.TryParse(text, out _),
        "email" => System.Net.Mail.MailAddress.TryCreate(text, out _),
        _ => throw new InvalidOperationException($"the validator does not know {format}"),
    };
}
