// `response_format`: plain text, any JSON object, or JSON of a schema.

using NanoFlow.Grammar;

namespace NanoFlow.Server.Protocol;

internal static class ResponseFormatField
{
    public const string Name = "response_format";

    private static readonly WordField Type = new("type", ["text", "json_object", "json_schema"]);

    /// <summary>Null: any text.</summary>
    public static GrammarSpec? Parse(RequestFields fields)
    {
        if (fields.Nested(Name) is not { } format)
        {
            return null;
        }

        return format.Word(Type) switch
        {
            "text" => null,
            "json_object" => GrammarSpec.JsonObject,
            "json_schema" => Schema(format),
            _ => throw RequestRefusedException.Invalid($"'{Name}.type' is missing", Name),
        };
    }

    // The name and the description are for the caller's records.
    private static GrammarSpec Schema(RequestFields format)
    {
        const string Path = Name + ".json_schema";
        var schema = format.Nested("json_schema")
            ?? throw RequestRefusedException.Invalid($"'{Path}' is missing", Path);
        schema.Text("name");
        schema.Text("description");
        var isStrict = schema.Bool("strict") ?? false;
        return schema.TryGet("schema", out var content)
            ? GrammarSpec.Schema(content.GetRawText(), isStrict)
            : throw RequestRefusedException.Invalid($"'{Path}.schema' is missing", Path);
    }
}
