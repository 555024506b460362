// The C# side: enums, handles, blittable structs with explicit offsets, one import per function.

using System.Globalization;
using System.Text;

namespace NanoFlow.Bindings.Generator;

public static class CSharpBindings
{
    private const string Library = "nanoflow_core";

    public static string Text(Declarations declarations, HeaderOrigin origin)
    {
        var text = new StringBuilder(origin.Banner);
        text.Append("#nullable disable\n\n");
        text.Append("using System.Runtime.CompilerServices;\n");
        text.Append("using System.Runtime.InteropServices;\n\n");
        text.Append("namespace NanoFlow.Native;\n");
        foreach (var declaration in declarations.Enums)
        {
            Append(text, declaration);
        }
        foreach (var handle in declarations.Handles)
        {
            text.Append(Invariant($"\npublic readonly struct {Names.Type(handle)};\n"));
        }
        foreach (var declaration in declarations.Structs)
        {
            Append(text, declaration);
        }
        foreach (var array in declarations.InlineArrays)
        {
            Append(text, array);
        }
        Append(text, declarations.Functions);
        return text.ToString();
    }

    private static void Append(StringBuilder text, EnumDeclaration declaration)
    {
        text.Append('\n');
        if (declaration.Name.EndsWith("_flag", StringComparison.Ordinal))
        {
            text.Append("[Flags]\n");
        }
        text.Append(Invariant(
            $"public enum {Names.Type(declaration.Name)} : {declaration.Type}\n{{\n"));
        foreach (var (name, value) in declaration.Constants)
        {
            text.Append(Invariant($"    {Names.Constant(declaration.Name, name)} = {value},\n"));
        }
        text.Append("}\n");
    }

    private static void Append(StringBuilder text, StructDeclaration declaration)
    {
        text.Append(Invariant(
            $"\n[StructLayout(LayoutKind.Explicit, Size = {declaration.SizeBytes})]\n"));
        text.Append(Invariant($"public unsafe struct {Names.Type(declaration.Name)}\n{{\n"));
        foreach (var field in declaration.Fields)
        {
            text.Append(Invariant($"    [FieldOffset({field.OffsetBytes})] "));
            text.Append(Invariant($"public {field.Type} {Names.Field(field.Name)};\n"));
        }
        text.Append("}\n");
    }

    private static void Append(StringBuilder text, InlineArrayType array)
    {
        text.Append(Invariant($"\n[InlineArray({array.Length})]\n"));
        text.Append(Invariant($"public struct {array.Name}\n{{\n"));
        text.Append(Invariant($"    private {array.Element} _first;\n}}\n"));
    }

    private static void Append(StringBuilder text, IReadOnlyList<FunctionDeclaration> functions)
    {
        text.Append("\npublic static unsafe partial class NativeMethods\n{\n");
        text.Append(Invariant($"    public const string Library = \"{Library}\";\n"));
        foreach (var function in functions)
        {
            text.Append(Invariant(
                $"\n    [LibraryImport(Library, EntryPoint = \"{function.Name}\")]\n"));
            text.Append(Invariant($"    public static partial {function.Returns} "));
            text.Append(Names.Function(function.Name)).Append('(');
            text.AppendJoin(", ", function.Parameters.Select(parameter =>
                $"{parameter.Value} {Names.Parameter(parameter.Key)}"));
            text.Append(");\n");
        }
        text.Append("}\n");
    }

    private static string Invariant(FormattableString text) =>
        text.ToString(CultureInfo.InvariantCulture);
}
