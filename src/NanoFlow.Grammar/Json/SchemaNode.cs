using System.Text.Json;

namespace NanoFlow.Grammar.Json;

[Flags]
internal enum JsonTypes
{
    None = 0,
    Object = 1,
    Array = 2,
    String = 4,
    Number = 8,
    Integer = 16,
    Boolean = 32,
    Null = 64,
    All = Object | Array | String | Number | Boolean | Null,
}

/// <summary>A schema as it was read: what its keywords say. Immutable.</summary>
internal sealed record SchemaNode
{
    public static readonly SchemaNode Any = new();
    public static readonly SchemaNode Never = new() { IsNever = true };

    /// <summary>Where it stands, e.g. "#/properties/a".</summary>
    public string Path { get; init; } = "#";

    /// <summary>The schema `false`.</summary>
    public bool IsNever { get; init; }

    /// <summary>None: not said.</summary>
    public JsonTypes Types { get; init; }

    /// <summary>Pointers to schemas that must hold as well.</summary>
    public IReadOnlyList<string> References { get; init; } = [];

    public IReadOnlyList<SchemaNode> AllOf { get; init; } = [];

    /// <summary>Of each group one must hold.</summary>
    public IReadOnlyList<IReadOnlyList<SchemaNode>> AnyOf { get; init; } = [];

    /// <summary>enum and const; null: not said.</summary>
    public IReadOnlyList<JsonElement>? Values { get; init; }

    public IReadOnlyList<(string Name, SchemaNode Schema)> Properties { get; init; } = [];

    /// <summary>Properties are listed, if only as none.</summary>
    public bool ListsProperties { get; init; }

    public IReadOnlyList<string> Required { get; init; } = [];

    /// <summary>Null: not said.</summary>
    public SchemaNode? Additional { get; init; }

    public IReadOnlyList<SchemaNode> Prefix { get; init; } = [];

    /// <summary>Null: not said.</summary>
    public SchemaNode? Items { get; init; }

    public (int Minimum, int? Maximum) ItemCount { get; init; }

    public (int Minimum, int? Maximum) Length { get; init; }

    public string? Pattern { get; init; }

    public string? Format { get; init; }

    public NumberRange Range { get; init; }

    public bool HasObjectWords => ListsProperties || Required.Count > 0 || Additional is not null;

    public bool HasArrayWords =>
        Prefix.Count > 0 || Items is not null || ItemCount != default;

    public bool HasStringWords => Length != default || Pattern is not null || Format is not null;

    public bool HasNumberWords => !Range.IsOpen;

    /// <summary>It says nothing but where else to look.</summary>
    public bool IsPlainReference =>
        References.Count == 1
        && (this with { References = [], Path = "#" }).Says(nothing: true);

    public bool IsAny => References.Count == 0 && Says(nothing: true);

    private bool Says(bool nothing) => nothing == (!IsNever && Types == JsonTypes.None
        && AllOf.Count == 0 && AnyOf.Count == 0 && Values is null && !HasObjectWords
        && !HasArrayWords && !HasStringWords && !HasNumberWords);
}
