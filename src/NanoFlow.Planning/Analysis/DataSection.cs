using System.Text.Json;

namespace NanoFlow.Planning.Analysis;

/// <summary>One object of a data file; every read names its field and range when it
/// fails.</summary>
internal readonly struct DataSection
{
    // Object, list, object, list.
    private const int Depth = 8;
    private const int MaxFileBytes = 1024 * 1024;
    private const int MaxNameChars = 64;

    private readonly JsonElement _element;
    private readonly string _path;

    private DataSection(JsonElement element, string path)
    {
        _element = element;
        _path = path;
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new AnalysisDataException($"{path} is {element.ValueKind}, not an object");
        }
    }

    /// <param name="source">Of the text, for messages.</param>
    public static DataSection Parse(ReadOnlyMemory<byte> utf8, string source)
    {
        if (utf8.Length > MaxFileBytes)
        {
            throw new AnalysisDataException(
                $"{source} has {utf8.Length} bytes, allowed are {MaxFileBytes}");
        }
        try
        {
            using var document = JsonDocument.Parse(
                utf8, new JsonDocumentOptions { MaxDepth = Depth });
            return new DataSection(document.RootElement.Clone(), source);
        }
        catch (JsonException e)
        {
            throw new AnalysisDataException($"{source} is not valid JSON: {e.Message}");
        }
    }

    public AnalysisDataException Error(string field, string what) => new($"{_path}.{field} {what}");

    public bool Has(string field) => _element.TryGetProperty(field, out _);

    public string Name(string field)
    {
        var value = Field(field, JsonValueKind.String);
        try
        {
            var text = value.GetString()!;
            return text.Length is > 0 and <= MaxNameChars
                ? text
                : throw Error(
                    field, $"has {text.Length} characters, allowed are 1 to {MaxNameChars}");
        }
        catch (InvalidOperationException)
        {
            throw Error(field, "is not valid Unicode");
        }
    }

    public double Number(string field, double min, double max) =>
        InRange(Field(field, JsonValueKind.Number), field, min, max);

    public double Number(string field, double min, double max, double fallback) =>
        Has(field) ? Number(field, min, max) : fallback;

    public int Int(string field, int min, int max)
    {
        var value = Field(field, JsonValueKind.Number);
        return value.TryGetInt32(out var number) && number >= min && number <= max
            ? number
            : throw Error(field, $"is {value.GetRawText()}, allowed are {min} to {max}");
    }

    public int Int(string field, int min, int max, int fallback) =>
        Has(field) ? Int(field, min, max) : fallback;

    public DataSection Section(string field) =>
        new(Field(field, JsonValueKind.Object), $"{_path}.{field}");

    public double[] Numbers(string field, int count, double min, double max)
    {
        var items = Items(field, count, count);
        var numbers = new double[count];
        for (var i = 0; i < count; i++)
        {
            numbers[i] = items[i].ValueKind == JsonValueKind.Number
                ? InRange(items[i], $"{field}[{i}]", min, max)
                : throw Error($"{field}[{i}]", $"is {items[i].ValueKind}, not Number");
        }
        return numbers;
    }

    /// <summary>Points of a curve: both numbers in the range, the first one ascending.</summary>
    public (double X, double Y)[] Pairs(
        string field, int minCount, int maxCount, double min, double max)
    {
        var items = Items(field, minCount, maxCount);
        var pairs = new (double X, double Y)[items.Length];
        for (var i = 0; i < items.Length; i++)
        {
            var name = $"{field}[{i}]";
            if (items[i].ValueKind != JsonValueKind.Array || items[i].GetArrayLength() != 2
                || items[i].EnumerateArray().Any(one => one.ValueKind != JsonValueKind.Number))
            {
                throw Error(name, "is not a pair of numbers");
            }
            pairs[i] = (InRange(items[i][0], name, min, max), InRange(items[i][1], name, min, max));
            if (i > 0 && pairs[i].X <= pairs[i - 1].X)
            {
                throw Error(name, "does not ascend");
            }
        }
        return pairs;
    }

    public T[] List<T>(string field, int minCount, int maxCount, Func<DataSection, T> read)
    {
        var path = $"{_path}.{field}";
        return [.. Items(field, minCount, maxCount)
            .Select((item, i) => read(new DataSection(item, $"{path}[{i}]")))];
    }

    private JsonElement[] Items(string field, int minCount, int maxCount)
    {
        var list = Field(field, JsonValueKind.Array);
        var count = list.GetArrayLength();
        return count >= minCount && count <= maxCount
            ? [.. list.EnumerateArray()]
            : throw Error(field, $"has {count} entries, allowed are {minCount} to {maxCount}");
    }

    private double InRange(JsonElement value, string field, double min, double max) =>
        value.TryGetDouble(out var number) && number >= min && number <= max
            ? number
            : throw Error(
                field,
                FormattableString.Invariant(
                    $"is {value.GetRawText()}, allowed are {min} to {max}"));

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
