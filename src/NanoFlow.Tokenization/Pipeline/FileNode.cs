// One JSON value of a tokenizer file together with where it stands, so that every complaint names
// the file, the place and what was expected. All components read their settings through it.

using System.Text.Json;

namespace NanoFlow.Tokenization.Pipeline;

internal readonly record struct FileNode(string File, string Path, JsonElement Element)
{
    public string Type => Text("type");

    public TokenizerFormatException Error(string reason) => new($"{File}: {Path}: {reason}");

    public TokenizerFormatException UnsupportedType() => Error($"type '{Type}' is not supported");

    // Null when the property is absent or JSON null.
    public FileNode? Optional(string name)
    {
        if (Element.ValueKind != JsonValueKind.Object)
        {
            throw Error("must be an object");
        }
        var found = Element.TryGetProperty(name, out var value)
            && value.ValueKind != JsonValueKind.Null;
        return found ? new FileNode(File, $"{Path}.{name}", value) : null;
    }

    public FileNode Child(string name) => Optional(name) ?? throw Error($"'{name}' is missing");

    public string Text(string name) => Child(name).AsText();

    public string? OptionalText(string name) => Optional(name)?.AsText();

    public bool Flag(string name, bool absent) => Optional(name)?.AsFlag() ?? absent;

    public int Integer(string name, int minimum, int maximum) =>
        Child(name).AsInteger(minimum, maximum);

    public IEnumerable<FileNode> Items(string name) => Child(name).AsItems();

    public string AsText()
    {
        if (Element.ValueKind != JsonValueKind.String)
        {
            throw Error("must be a string");
        }
        try
        {
            return Element.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw new TokenizerFormatException($"{File}: {Path}: not valid Unicode", e);
        }
    }

    public bool AsFlag() => Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Error("must be true or false"),
    };

    public int AsInteger(int minimum, int maximum)
    {
        var valid = Element.ValueKind == JsonValueKind.Number
            && Element.TryGetInt32(out var number)
            && number >= minimum && number <= maximum;
        return valid
            ? Element.GetInt32()
            : throw Error($"must be an integer from {minimum} to {maximum}");
    }

    public IEnumerable<FileNode> AsItems()
    {
        if (Element.ValueKind != JsonValueKind.Array)
        {
            throw Error("must be an array");
        }
        var node = this;
        return Element.EnumerateArray()
            .Select((item, i) => new FileNode(node.File, $"{node.Path}[{i}]", item));
    }
}
