// The formats of strings that are followed, each as a pattern: plain forms only, all of them valid.

namespace NanoFlow.Grammar.Json;

internal static class Formats
{
    private const string Date =
        @"(?:19|20)\d\d-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])"
        + @"|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))";

    private const string Time =
        @"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d)";

    private const string Octet = @"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)";
    private const string Label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?";
    private const string Host = Label + @"(?:\." + Label + "){0,5}";
    private const string Group = "[0-9a-fA-F]{1,4}";

    private static readonly Dictionary<string, string> Patterns = new()
    {
        ["date"] = Date,
        ["time"] = Time,
        ["date-time"] = Date + "T" + Time,
        ["duration"] =
            @"P(?:\d{1,4}W|\d{1,4}Y(?:\d{1,2}M(?:\d{1,3}D)?)?|\d{1,2}M(?:\d{1,3}D)?|\d{1,3}D"
            + @"|T(?:\d{1,3}H(?:\d{1,3}M(?:\d{1,3}S)?)?|\d{1,3}M(?:\d{1,3}S)?|\d{1,3}S))",
        ["email"] = @"[a-zA-Z0-9_%+-]{1,32}(?:\.[a-zA-Z0-9_%+-]{1,32}){0,3}@" + Label
            + @"(?:\." + Label + "){1,4}",
        ["hostname"] = Host,
        ["ipv4"] = Octet + @"(?:\." + Octet + "){3}",
        ["ipv6"] = $"{Group}(?::{Group}){{7}}",
        ["uri"] = "https?://" + Host + @"(?::[1-9]\d{0,3})?(?:/[a-zA-Z0-9._~-]{0,64}){0,8}",
        ["uuid"] = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
    };

    public static string? PatternOf(string format) =>
        Patterns.TryGetValue(format, out var pattern) ? $"^(?:{pattern})$" : null;
}
