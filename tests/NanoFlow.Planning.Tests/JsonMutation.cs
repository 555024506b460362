// A valid JSON file with a few things changed: bytes flipped, ranges deleted or doubled, the end
// cut off, numbers replaced by extreme ones, fields swapped, lists nested deeply.

using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace NanoFlow.Planning.Tests;

internal static partial class JsonMutation
{
    private static readonly string[] Numbers =
    [
        "0", "-0", "-1", "1", "2", "1e999", "-1e999", "1e-999", "NaN", "Infinity", "null", "1.5",
        "2147483647", "2147483648", "-2147483648", "4294967295", "9223372036854775807",
        "18446744073709551616", "65535", "65536", "131072", "131073", "4194305", "1e12", "1.1e12",
        "\"1\"", "[]", "{}", "true", new('9', 5000),
    ];

    public static byte[] Of(byte[] valid, Random random)
    {
        var text = Encoding.Latin1.GetString(valid);
        for (var edits = random.Next(1, 3); edits > 0 && text.Length > 1; edits--)
        {
            text = Edit(text, random);
        }
        return Encoding.Latin1.GetBytes(text);
    }

    private static string Edit(string text, Random random)
    {
        var at = random.Next(text.Length);
        var length = Math.Min(random.Next(1, 200), text.Length - at);
        return random.Next(9) switch
        {
            0 => Replace(text, at, 1, ((char)(text[at] ^ (1 << random.Next(8)))).ToString()),
            1 => Replace(text, at, 1, ((char)random.Next(256)).ToString()),
            2 => text.Remove(at, length),
            3 => text.Insert(at, text.Substring(at, length)),
            4 when random.Next(4) == 0 => text[..at],
            5 => Swap(text, Names().Matches(text), random),
            6 => Swap(text, Values().Matches(text), random),
            7 when random.Next(2) == 0 => text.Insert(at, Nested(random)),
            _ => ReplaceNumber(text, random),
        };
    }

    private static string Nested(Random random) => random.Next(2) == 0
        ? new string('[', random.Next(1, 20_000))
        : string.Concat(Enumerable.Repeat("{\"a\":", random.Next(1, 4_000)));

    private static string ReplaceNumber(string text, Random random)
    {
        var matches = Values().Matches(text);
        if (matches.Count == 0)
        {
            return text;
        }
        var match = matches[random.Next(matches.Count)];
        var number = random.Next(2) == 0
            ? random.Next(1, 100).ToString(CultureInfo.InvariantCulture)
            : Numbers[random.Next(Numbers.Length)];
        return Replace(text, match.Index, match.Length, number);
    }

    private static string Swap(string text, MatchCollection matches, Random random)
    {
        if (matches.Count < 2)
        {
            return text;
        }
        var (a, b) = (matches[random.Next(matches.Count)], matches[random.Next(matches.Count)]);
        if (a.Index > b.Index)
        {
            (a, b) = (b, a);
        }
        return a.Index == b.Index
            ? text
            : string.Concat(
                text.AsSpan(0, a.Index),
                b.Value,
                text.AsSpan(a.Index + a.Length, b.Index - a.Index - a.Length),
                string.Concat(a.Value, text.AsSpan(b.Index + b.Length)));
    }

    private static string Replace(string text, int at, int length, string by) =>
        string.Concat(text.AsSpan(0, at), by, text.AsSpan(at + length));

    [GeneratedRegex("\"[a-z_]+\"(?=:)")]
    private static partial Regex Names();

    [GeneratedRegex("(?<=[:\\[ ])-?[0-9][0-9.eE+-]*(?=[,}\\]\\s])")]
    private static partial Regex Values();
}
