// Compares what a client saw with what it must see: every field that the expectation names must be
// there with that value; others may be there too. Instead of a value may stand {"like": pattern},
// {"at_least": number}, {"at_most": number} or {"same_as": another field of what was seen}. Absent
// and null are the same.

using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace NanoFlow.Server.Tests.Clients;

internal static class Expectation
{
    public static IEnumerable<string> Differences(JsonNode expected, JsonObject seen) =>
        Compare(expected, seen, "", seen);

    private static IEnumerable<string> Compare(
        JsonNode? expected, JsonNode? seen, string path, JsonObject all) => expected switch
        {
            JsonObject { Count: 1 } rule when Rule(rule, seen, all) is { } holds =>
                holds ? [] : [Difference(expected, seen, path)],
            JsonObject fields => seen is JsonObject there
                ? fields.SelectMany(field => Compare(
                    field.Value, there[field.Key], $"{path}.{field.Key}", all))
                : [Difference(expected, seen, path)],
            JsonArray items => seen is JsonArray there && there.Count == items.Count
                ? items.SelectMany((item, i) => Compare(item, there[i], $"{path}[{i}]", all))
                : [Difference(expected, seen, path)],
            _ => JsonNode.DeepEquals(expected, seen) ? [] : [Difference(expected, seen, path)],
        };

    private static bool? Rule(JsonObject rule, JsonNode? seen, JsonObject all)
    {
        var (name, value) = rule.First();
        return name switch
        {
            "like" => seen is not null && Regex.IsMatch(seen.ToString(), (string)value!),
            "at_least" => seen is not null && (double)seen >= (double)value!,
            "at_most" => seen is not null && (double)seen <= (double)value!,
            "same_as" => seen is not null && JsonNode.DeepEquals(seen, all[(string)value!]),
            _ => null,
        };
    }

    private static string Difference(JsonNode? expected, JsonNode? seen, string path) =>
        $"{path}: expected {Text(expected)}, saw {Text(seen)}";

    private static string Text(JsonNode? node) => node?.ToJsonString() ?? "null";
}
