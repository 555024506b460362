// One object of a plan or cost file. Every read gives the allowed range; what lies outside of it is
// refused with the path of the field, and nothing is taken from the file before it was checked.

using System.Text.Json;

namespace NanoFlow.Planning;

internal readonly struct PlanSection
{
    // Of a number that is refused: it may be as long as the file.
    private const int QuotedLength = 32;
    private const int NotInList = -1;

    private readonly JsonElement _element;
    private readonly string _path;
    private readonly int _index;

    public PlanSection(JsonElement element, string path)
        : this(element, path, NotInList)
    {
    }

    private PlanSection(JsonElement element, string path, int index)
    {
        _element = element;
        _path = path;
        _index = index;
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new PlanFormatException($"{Path} is {element.ValueKind}, not an object");
        }
    }

    private string Path => _index == NotInList ? _path : $"{_path}[{_index}]";

    public PlanFormatException Error(string field, string what) => new($"{Path}.{field}: {what}");

    public int Int(string field, int min, int max)
    {
        var value = Field(field, JsonValueKind.Number);
        return value.TryGetInt32(out var number) && number >= min && number <= max
            ? number
            : throw Error(field, $"is {Quoted(value)}, allowed are {min} to {max}");
    }

    public double Number(string field, double min, double max)
    {
        var value = Field(field, JsonValueKind.Number);
        return value.TryGetDouble(out var number) && number >= min && number <= max
            ? number
            : throw Error(field, $"is {Quoted(value)}, allowed are {min:R} to {max:R}");
    }

    public bool Bool(string field)
    {
        var value = Field(field);
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : throw Error(field, $"is {value.ValueKind}, allowed are true and false");
    }

    public string Text(string field, int maxLength)
    {
        var text = Field(field, JsonValueKind.String).GetString()!;
        if (text.Length == 0 || text.Length > maxLength)
        {
            throw Error(
                field, $"has {text.Length} characters, allowed are 1 to {maxLength}");
        }
        return text.Any(char.IsControl) ? throw Error(field, "has control characters") : text;
    }

    public void RequireText(string field, string expected)
    {
        var text = Text(field, PlanLimits.TextLength);
        if (text != expected)
        {
            throw Error(field, $"is '{text}', this one is '{expected}'");
        }
    }

    public T Choice<T>(string field, params ReadOnlySpan<T> values)
        where T : struct, Enum
    {
        var text = Text(field, PlanLimits.NameLength);
        foreach (var value in values)
        {
            if (EnumNames.Of(value) == text)
            {
                return value;
            }
        }
        throw Error(field, $"'{text}' is unknown");
    }

    public PlanSection Object(string field) => new(Field(field), $"{Path}.{field}");

    public T[] List<T>(string field, int minCount, int maxCount, Func<PlanSection, T> read)
    {
        var list = Entries(field, minCount, maxCount);
        var items = new T[list.GetArrayLength()];
        var path = $"{Path}.{field}";
        var i = 0;
        foreach (var element in list.EnumerateArray())
        {
            items[i] = read(new PlanSection(element, path, i));
            i++;
        }
        return items;
    }

    public int[] Ints(string field, int minCount, int maxCount, int min, int max)
    {
        var list = Entries(field, minCount, maxCount);
        var items = new int[list.GetArrayLength()];
        var i = 0;
        foreach (var element in list.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Number
                || !element.TryGetInt32(out items[i])
                || items[i] < min
                || items[i] > max)
            {
                throw Error(
                    $"{field}[{i}]", $"is {Quoted(element)}, allowed are {min} to {max}");
            }
            i++;
        }
        return items;
    }

    private JsonElement Entries(string field, int minCount, int maxCount)
    {
        var list = Field(field, JsonValueKind.Array);
        var count = list.GetArrayLength();
        return count >= minCount && count <= maxCount
            ? list
            : throw Error(field, $"has {count} entries, allowed are {minCount} to {maxCount}");
    }

    private JsonElement Field(string field) =>
        _element.TryGetProperty(field, out var value) ? value : throw Error(field, "is missing");

    private JsonElement Field(string field, JsonValueKind kind)
    {
        var value = Field(field);
        return value.ValueKind == kind
            ? value
            : throw Error(field, $"is {value.ValueKind}, not {kind}");
    }

    private static string Quoted(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Number)
        {
            return value.ValueKind.ToString();
        }
        var text = value.GetRawText();
        return text.Length <= QuotedLength ? text : $"{text.AsSpan(0, QuotedLength)}...";
    }
}
