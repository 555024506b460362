// What a header declares, in the terms of the bindings: C names as written, types as C# says them.

namespace NanoFlow.Bindings.Generator;

public sealed record Declarations(
    IReadOnlyList<EnumDeclaration> Enums,
    IReadOnlyList<string> Handles,
    IReadOnlyList<StructDeclaration> Structs,
    IReadOnlyList<FunctionDeclaration> Functions,
    IReadOnlyCollection<InlineArrayType> InlineArrays);

public sealed record EnumDeclaration(
    string Name, string Type, IReadOnlyList<KeyValuePair<string, string>> Constants);

public sealed record StructDeclaration(
    string Name, int SizeBytes, IReadOnlyList<FieldDeclaration> Fields);

public sealed record FieldDeclaration(string Name, string Type, int OffsetBytes);

public sealed record FunctionDeclaration(
    string Name, string Returns, IReadOnlyList<KeyValuePair<string, string>> Parameters);

public sealed record InlineArrayType(string Name, string Element, int Length);

/// <summary>A header that cannot be bound, or a missing tool: one line for the user.</summary>
public sealed class BindingException(string message) : Exception(message);
