// Typed access to the fields of a request body. A null counts as absent, because clients send null
// for what their user did not set. Every field that is asked for is remembered, so that what nobody
// asked for can be reported as ignored, or refused.

using System.Text.Json;

namespace NanoFlow.Server.Protocol;

internal sealed class RequestFields
{
    private readonly Dictionary<string, JsonElement> _fields = new(StringComparer.Ordinal);
    private readonly string _path;
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly List<string> _withoutEffect = [];
    private readonly List<RequestFields> _nested = [];

    /// <param name="name">Of the field that holds this object; null for the body itself.</param>
    public RequestFields(JsonElement element, string? name = null)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            var what = name is null ? "the body" : $"'{name}'";
            throw RequestRefusedException.Invalid($"{what} must be a JSON object", name);
        }

        foreach (var property in element.EnumerateObject())
        {
            _fields[NameOf(property)] = property.Value;
        }

        _path = name is null ? "" : name + ".";
    }

    /// <summary>The value under a name; false when absent or null.</summary>
    public bool TryGet(string name, out JsonElement value)
    {
        _known.Add(name);
        return _fields.TryGetValue(name, out value) && value.ValueKind != JsonValueKind.Null;
    }

    /// <summary>The object under a name; what nobody asks of it counts as ignored, too. Null when
    /// absent.</summary>
    public RequestFields? Nested(string name)
    {
        if (!TryGet(name, out var value))
        {
            return null;
        }

        var nested = new RequestFields(value, _path + name);
        _nested.Add(nested);
        return nested;
    }

    public double? Real(RealField field)
    {
        if (!TryGet(field.Name, out var value))
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number)
            && field.Allows(number) ? number : throw OutOfRange(field.Name, field.Range, value);
    }

    public long? Integer(IntegerField field)
    {
        if (!TryGet(field.Name, out var value))
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number)
            && field.Allows(number) ? number : throw OutOfRange(field.Name, field.Range, value);
    }

    public bool? Bool(string name)
    {
        if (!TryGet(name, out var value))
        {
            return null;
        }

        return value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw OutOfRange(name, "true or false", value),
        };
    }

    public bool Flag(FlagField field) => Bool(field.Name) ?? field.Default;

    /// <summary>A word of the field's list; null when absent.</summary>
    public string? Word(WordField field)
    {
        if (!TryGet(field.Name, out var value))
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.String
            && field.Words.Contains(TextOf(value, _path + field.Name))
            ? value.GetString()
            : throw OutOfRange(field.Name, field.Range, value);
    }

    public string? Text(string name) =>
        TryGet(name, out var value) ? TextOf(value, _path + name) : null;

    /// <summary>The field is known, and has no effect.</summary>
    public void Ignore(string name) => _withoutEffect.Add(_path + name);

    /// <summary>Names with a value in the body that nobody asked for.</summary>
    public IEnumerable<string> Unknown() =>
        _fields.Where(f => f.Value.ValueKind != JsonValueKind.Null && !_known.Contains(f.Key))
            .Select(f => _path + f.Key)
            .Concat(_nested.SelectMany(nested => nested.Unknown()));

    /// <summary>Those, and the known ones that have no effect.</summary>
    public IEnumerable<string> Ignored() => WithoutEffect().Concat(Unknown());

    /// <summary>The name of a field; escapes of half a surrogate pair are refused.</summary>
    public static string NameOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            throw RequestRefusedException.Invalid("a name in the body is not valid Unicode");
        }
    }

    /// <summary>A JSON string as .NET text; escapes of half a surrogate pair are refused.</summary>
    public static string TextOf(JsonElement value, string param)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            throw RequestRefusedException.Invalid($"'{param}' must be a string", param);
        }

        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw RequestRefusedException.Invalid($"'{param}' is not valid Unicode", param);
        }
    }

    private IEnumerable<string> WithoutEffect() =>
        _withoutEffect.Concat(_nested.SelectMany(nested => nested.WithoutEffect()));

    private RequestRefusedException OutOfRange(string name, string range, JsonElement value) =>
        RequestRefusedException.Invalid(
            $"'{_path}{name}' must be {range}, got {Quote.Cut(value.GetRawText())}",
            _path + name);
}
