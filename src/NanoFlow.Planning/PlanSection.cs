using System.Text.Json;

namespace NanoFlow.Planning;

/// <summary>One object of a plan file; every read names its field and range when it
/// fails.</summary>
internal readonly struct PlanSection
{
    private readonly JsonElement _element;
    private readonly string _path;

    public PlanSection(JsonElement element, string path)
    {
        _element = element;
        _path = path;
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new PlanFormatException($"{path} is {element.ValueKind}, not an object");
        }
    }

    public PlanFormatException Error(string field, string what) =>
        new($"{_path}.{field}: {what}");

    public int Int(string field, int min, int max)
    {
        var value = Field(field, JsonValueKind.Number);
        return value.TryGetInt32(out var number) && number >= min && number <= max
            ? number
            : throw Error(field, $"is {value.GetRawText()}, allowed are {min} to {max}");
    }

    public string Text(string field) => Field(field, JsonValueKind.String).GetString()!;

    public void RequireText(string field, string expected)
    {
        var text = Text(field);
        if (text != expected)
        {
            throw Error(field, $"is '{text}', this one is '{expected}'");
        }
    }

    public T Choice<T>(string field, params ReadOnlySpan<T> values)
        where T : struct, Enum
    {
        var text = Text(field);
        foreach (var value in values)
        {
            if (PlanFile.Name(value) == text)
            {
                return value;
            }
        }
        throw Error(field, $"'{text}' is unknown");
    }

    public IReadOnlyList<T> List<T>(
        string field, int minCount, int maxCount, Func<PlanSection, T> read)
    {
        var list = Field(field, JsonValueKind.Array);
        var count = list.GetArrayLength();
        if (count < minCount || count > maxCount)
        {
            throw Error(field, $"has {count} entries, allowed are {minCount} to {maxCount}");
        }
        var items = new T[count];
        var i = 0;
        foreach (var element in list.EnumerateArray())
        {
            items[i] = read(new PlanSection(element, $"{_path}.{field}[{i}]"));
            i++;
        }
        return items;
    }

    private JsonElement Field(string field, JsonValueKind kind)
    {
        if (!_element.TryGetProperty(field, out var value))
        {
            throw Error(field, "is missing");
        }
        return value.ValueKind == kind
            ? value
            : throw Error(field, $"is {value.ValueKind}, not {kind}");
    }
}
