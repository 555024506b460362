// Readers of flag values. Sizes take the suffixes k, m and g: 1024, 1024^2, 1024^3.

using System.Globalization;

namespace NanoFlow.Cli;

internal static class Read
{
    public static Reader<string> Text { get; } = (string text, out string value) =>
    {
        value = text;
        return text.Length > 0;
    };

    public static Reader<bool> Switch { get; } = (string text, out bool value) =>
    {
        value = text is "true" or "1";
        return value || text is "false" or "0";
    };

    public static Reader<ulong> Seed { get; } = (string text, out ulong value) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    public static Reader<int> Integer(int min, int max) => (string text, out int value) =>
    {
        var isSize = TrySize(text, out var size) && size >= min && size <= max;
        value = isSize ? (int)size : 0;
        return isSize;
    };

    public static Reader<long> Size(long min, long max) => (string text, out long value) =>
        TrySize(text, out value) && value >= min && value <= max;

    public static Reader<T> Choice<T>(params (string Name, T Value)[] choices) =>
        (string text, out T value) =>
        {
            var found = Array.Find(choices, choice => choice.Name == text);
            value = found.Value;
            return found.Name is not null;
        };

    private static bool TrySize(string text, out long value)
    {
        value = 0;
        if (text.Length == 0)
        {
            return false;
        }

        var unit = char.ToLowerInvariant(text[^1]) switch
        {
            'k' => 1L << 10,
            'm' => 1L << 20,
            'g' => 1L << 30,
            _ => 1L,
        };
        var digits = unit == 1 ? text : text[..^1];
        var isNumber = long.TryParse(
            digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
        if (!isNumber || number > long.MaxValue / unit)
        {
            return false;
        }

        value = number * unit;
        return true;
    }
}
