using System.Text.Json;

namespace NanoFlow.Grammar.Json;

/// <summary>A $ref within the schema: "#", or "#/" and a JSON pointer.</summary>
internal static class SchemaPointer
{
    public static JsonElement Resolve(JsonElement root, string pointer, string path)
    {
        if (pointer != "#" && !pointer.StartsWith("#/", StringComparison.Ordinal))
        {
            throw SchemaReader.Error(path, $"'{pointer}' does not lead to a place in the schema");
        }
        var at = root;
        foreach (var part in pointer.Split('/').Skip(1))
        {
            var name = Uri.UnescapeDataString(part).Replace("~1", "/").Replace("~0", "~");
            at = Step(at, name)
                ?? throw SchemaReader.Error(path, $"'{pointer}' leads nowhere");
        }
        return at;
    }

    private static JsonElement? Step(JsonElement at, string name)
    {
        if (at.ValueKind == JsonValueKind.Object)
        {
            return at.TryGetProperty(name, out var inner) ? inner : null;
        }
        return at.ValueKind == JsonValueKind.Array && int.TryParse(name, out var index)
            && index >= 0 && index < at.GetArrayLength() ? at[index] : null;
    }
}
