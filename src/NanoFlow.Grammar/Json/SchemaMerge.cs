// Two schemas that must both hold, as one: what both say is met, where that can be said in one
// schema; where it cannot it is refused.

namespace NanoFlow.Grammar.Json;

internal static class SchemaMerge
{
    public static SchemaNode Both(SchemaNode a, SchemaNode b)
    {
        if (a.IsAny || b.IsNever)
        {
            return b;
        }
        if (b.IsAny || a.IsNever)
        {
            return a;
        }
        var types = Meet(a.Types, b.Types);
        return new SchemaNode
        {
            Path = b.Path,
            IsNever = types is null,
            Types = types ?? JsonTypes.None,
            References = [.. a.References, .. b.References],
            AllOf = [.. a.AllOf, .. b.AllOf],
            AnyOf = [.. a.AnyOf, .. b.AnyOf],
            Values = b.Values is null ? a.Values : SchemaReader.Meet(a.Values, b.Values),
            ListsProperties = a.ListsProperties || b.ListsProperties,
            Properties = Properties(a, b),
            Required = [.. a.Required.Union(b.Required)],
            Additional = Optional(a.Additional, b.Additional),
            Prefix = Prefix(a, b),
            Items = Optional(a.Items, b.Items),
            ItemCount = Meet(a.ItemCount, b.ItemCount),
            Length = Meet(a.Length, b.Length),
            Pattern = Same(a.Pattern, b.Pattern, b, "pattern"),
            Format = Same(a.Format, b.Format, b, "format"),
            Range = SchemaReader.Meet(a.Range, b.Range),
        };
    }

    private static SchemaNode? Optional(SchemaNode? a, SchemaNode? b) =>
        a is null ? b : b is null ? a : Both(a, b);

    // Null: nothing is of both types.
    private static JsonTypes? Meet(JsonTypes a, JsonTypes b)
    {
        if (a == JsonTypes.None || b == JsonTypes.None)
        {
            return a | b;
        }
        var both = a & b;
        if (((a | b) & JsonTypes.Integer) != 0 && ((a | b) & JsonTypes.Number) != 0
            && ((a & (JsonTypes.Integer | JsonTypes.Number)) != 0)
            && ((b & (JsonTypes.Integer | JsonTypes.Number)) != 0)
            && (both & JsonTypes.Number) == 0)
        {
            both |= JsonTypes.Integer;
        }
        return both == JsonTypes.None ? null : both;
    }

    private static List<(string, SchemaNode)> Properties(SchemaNode a, SchemaNode b)
    {
        var merged = new List<(string, SchemaNode)>();
        var theirs = b.Properties.ToDictionary(static p => p.Name, static p => p.Schema);
        var ours = a.Properties.Select(static p => p.Name).ToHashSet();
        foreach (var (name, schema) in a.Properties)
        {
            merged.Add((name, Both(schema, theirs.GetValueOrDefault(name, Elsewhere(b)))));
        }
        foreach (var (name, schema) in b.Properties)
        {
            if (!ours.Contains(name))
            {
                merged.Add((name, Both(Elsewhere(a), schema)));
            }
        }
        return merged;
    }

    // What a schema says about a property that it does not list.
    private static SchemaNode Elsewhere(SchemaNode node) => node.Additional ?? SchemaNode.Any;

    private static List<SchemaNode> Prefix(SchemaNode a, SchemaNode b)
    {
        var merged = new List<SchemaNode>();
        for (var i = 0; i < Math.Max(a.Prefix.Count, b.Prefix.Count); i++)
        {
            merged.Add(Both(At(a, i), At(b, i)));
        }
        return merged;
    }

    private static SchemaNode At(SchemaNode node, int index) =>
        index < node.Prefix.Count ? node.Prefix[index] : node.Items ?? SchemaNode.Any;

    private static (int, int?) Meet((int Minimum, int? Maximum) a, (int Minimum, int? Maximum) b) =>
        (Math.Max(a.Minimum, b.Minimum),
            a.Maximum is { } x && b.Maximum is { } y ? Math.Min(x, y) : a.Maximum ?? b.Maximum);

    private static string? Same(string? a, string? b, SchemaNode at, string keyword) =>
        a is null || b is null || a == b
            ? a ?? b
            : throw SchemaReader.Error(
                $"{at.Path}/{keyword}", $"two of them at once ('{a}' and '{b}') are not supported");
}
