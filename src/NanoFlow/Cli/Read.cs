// Readers of flag values. Sizes take the suffixes k, m and g: 1024, 1024^2, 1024^3.

using System.Globalization;
using System.Text.Json;

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

    /// <summary>Seconds, or minutes with the suffix m: "90", "90s", "2m".</summary>
    public static Reader<TimeSpan> Duration(TimeSpan min, TimeSpan max) =>
        (string text, out TimeSpan value) =>
        {
            var unit = text.EndsWith('m') ? 60 : 1;
            var digits = text.EndsWith('m') || text.EndsWith('s') ? text[..^1] : text;
            var isNumber = int.TryParse(
                digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
            value = TimeSpan.FromSeconds((double)number * unit);
            return isNumber && value >= min && value <= max;
        };

    /// <summary>Milliseconds or seconds: "50ms", "2s".</summary>
    public static Reader<TimeSpan> ShortTime(TimeSpan min, TimeSpan max) =>
        (string text, out TimeSpan value) =>
        {
            var isMilliseconds = text.EndsWith("ms", StringComparison.Ordinal);
            var digits = isMilliseconds ? text[..^2] : text.EndsWith('s') ? text[..^1] : "";
            var isNumber = int.TryParse(
                digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
            value = TimeSpan.FromMilliseconds((double)number * (isMilliseconds ? 1 : 1000));
            return isNumber && value >= min && value <= max;
        };

    /// <summary>An origin, or as vLLM has it a JSON list of them.</summary>
    public static Reader<string[]> Origins { get; } = (string text, out string[] value) =>
    {
        value = text.StartsWith('[') ? JsonStrings(text) : [text];
        return value.Length > 0 && value.All(IsOrigin);
    };

    public static Reader<int> Integer(int min, int max) => (string text, out int value) =>
    {
        var isSize = TrySize(text, out var size) && size >= min && size <= max;
        value = isSize ? (int)size : 0;
        return isSize;
    };

    /// <summary>With commas between.</summary>
    public static Reader<int[]> Integers(int min, int max) => (string text, out int[] value) =>
    {
        var read = Integer(min, max);
        var numbers = new List<int>();
        var isList = text.Split(',').All(part =>
        {
            var isNumber = read(part, out var number);
            numbers.Add(number);
            return isNumber;
        });
        value = [.. numbers];
        return isList;
    };

    /// <summary>With an x between.</summary>
    public static Reader<(int First, int Second)> Pair(int min, int max) =>
        (string text, out (int First, int Second) value) =>
        {
            var parts = text.Split('x');
            value = default;
            return parts.Length == 2
                && Integer(min, max)(parts[0], out value.First)
                && Integer(min, max)(parts[1], out value.Second);
        };

    public static Reader<double> Number(double min, double max) =>
        (string text, out double value) => double.TryParse(
            text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value)
            && value >= min && value <= max;

    public static Reader<long> Size(long min, long max) => (string text, out long value) =>
        TrySize(text, out value) && value >= min && value <= max;

    public static Reader<T> Choice<T>(params (string Name, T Value)[] choices) =>
        (string text, out T value) =>
        {
            var found = Array.Find(choices, choice => choice.Name == text);
            value = found.Value;
            return found.Name is not null;
        };

    // Empty when it is not such a list.
    private static string[] JsonStrings(string text)
    {
        try
        {
            using var list = JsonDocument.Parse(text);
            return list.RootElement.EnumerateArray().Select(one => one.GetString()!).ToArray();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return [];
        }
    }

    // As browsers send it: without a path, in lower case.
    private static bool IsOrigin(string text) => text == "*"
        || (Uri.TryCreate(text, UriKind.Absolute, out var uri)
            && uri.Scheme is "http" or "https"
            && uri.GetLeftPart(UriPartial.Authority) == text);

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
