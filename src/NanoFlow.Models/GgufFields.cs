// The metadata of a GGUF file, read key by key with type and range checks, as JsonSection does it
// for configuration files.

using System.Globalization;

namespace NanoFlow.Models;

internal sealed class GgufFields(string file, IReadOnlyDictionary<string, object> values)
{
    private const int ShownValueChars = 60;

    internal ModelFormatException Error(string key, string detail) => new(file, $"{key} {detail}");

    internal bool Has(string key) => values.ContainsKey(key);

    internal int Int(string key, IntRange range) =>
        OptionalInt(key, range) ?? throw Error(key, $"is missing, {range.Wanted}");

    internal double Real(string key, RealRange range) =>
        OptionalReal(key, range) ?? throw Error(key, $"is missing, {range.Wanted}");

    internal string Text(string key) =>
        OptionalText(key) ?? throw Error(key, "is missing, a string is wanted");

    internal int? OptionalInt(string key, IntRange range) => values.GetValueOrDefault(key) switch
    {
        null => null,
        long number when number >= range.Min && number <= range.Max => (int)number,
        var other => throw Error(key, $"is {Show(other)}, {range.Wanted}"),
    };

    internal double? OptionalReal(string key, RealRange range) =>
        values.GetValueOrDefault(key) switch
        {
            null => null,
            double number when number >= range.Min && number <= range.Max => number,
            var other => throw Error(key, $"is {Show(other)}, {range.Wanted}"),
        };

    internal bool? OptionalBool(string key) => values.GetValueOrDefault(key) switch
    {
        null => null,
        bool flag => flag,
        var other => throw Error(key, $"is {Show(other)}, true or false is wanted"),
    };

    internal string? OptionalText(string key) => values.GetValueOrDefault(key) switch
    {
        null => null,
        string text => text,
        var other => throw Error(key, $"is {Show(other)}, a string is wanted"),
    };

    private static string Show(object value)
    {
        var text = value switch
        {
            string s => $"'{s}'",
            bool flag => flag ? "true" : "false",
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            _ => "an array",
        };
        return text.Length <= ShownValueChars ? text : text[..ShownValueChars] + "...";
    }
}
