// Fields of the protocol that are known, checked, and without an effect on any answer here. Labels
// for the caller's own records are taken in silence; what asks the server to do something that it
// does not do is listed in x-ignored-params. Neither is an unknown field to --strict-params.

using System.Text.Json;

namespace NanoFlow.Server.Protocol;

internal static class InertFields
{
    private static readonly (string Name, JsonValueKind Kind)[] Labels =
    [
        ("user", JsonValueKind.String),
        ("safety_identifier", JsonValueKind.String),
        ("metadata", JsonValueKind.Object),

        // Requests share no cache that could tell them apart, so every request has its own.
        ("cache_salt", JsonValueKind.String),
        ("prompt_cache_key", JsonValueKind.String),
    ];

    // Those of OpenAI; Anthropic has "auto" and the last one.
    private static readonly string[] ServiceTiers =
        ["auto", "default", "flex", "scale", "priority", "standard_only"];

    public static void Check(RequestFields fields)
    {
        foreach (var (name, kind) in Labels)
        {
            if (fields.TryGet(name, out var value) && value.ValueKind != kind)
            {
                var what = kind == JsonValueKind.Object ? "an object" : "a string";
                throw RequestRefusedException.Invalid($"'{name}' must be {what}", name);
            }
        }

        fields.Flag(FieldTable.SpacesBetweenSpecialTokens);
        if (fields.Bool("store") ?? false)
        {
            fields.Ignore("store");
        }

        if (fields.Word(new WordField("service_tier", ServiceTiers)) is not (null or "auto"))
        {
            fields.Ignore("service_tier");
        }

        if (fields.Integer(FieldTable.Priority) is not (null or 0))
        {
            fields.Ignore("priority");
        }
    }
}
