// The C# type of a castxml type. Only what has one size and layout on every platform is let
// through: stdint types, char, float, double, enums, structs, pointers to them and arrays of them.

using System.Xml.Linq;

namespace NanoFlow.Bindings.Generator;

internal sealed class TypeMap(IReadOnlyDictionary<string, XElement> elements)
{
    private readonly SortedDictionary<string, InlineArrayType> _arrays =
        new(StringComparer.Ordinal);

    public IReadOnlyCollection<InlineArrayType> InlineArrays => _arrays.Values;

    public string Map(string id)
    {
        // A qualified type's id is the plain type's id with c, v or r (const, volatile, restrict).
        var element = elements[id.TrimEnd('c', 'v', 'r')];
        return element.Name.LocalName switch
        {
            "CvQualifiedType" or "ElaboratedType" => Map(CastXml.Get(element, "type")),
            "Typedef" => Typedef(element),
            "FundamentalType" => Fundamental(CastXml.Get(element, "name")),
            "PointerType" => Map(CastXml.Get(element, "type")) + "*",
            "Struct" or "Enumeration" => Names.Type(CastXml.Get(element, "name")),
            "ArrayType" => Array(element),
            var other => throw new BindingException(
                $"{other} '{CastXml.Get(element, "name")}' has no counterpart in the bindings"),
        };
    }

    private string Typedef(XElement element) => CastXml.Get(element, "name") switch
    {
        "int8_t" => "sbyte",
        "uint8_t" => "byte",
        "int16_t" => "short",
        "uint16_t" => "ushort",
        "int32_t" => "int",
        "uint32_t" => "uint",
        "int64_t" => "long",
        "uint64_t" => "ulong",
        _ => Map(CastXml.Get(element, "type")),
    };

    private static string Fundamental(string name) => name switch
    {
        "void" => "void",
        "char" => "byte",
        "unsigned int" => "uint", // the underlying type of an enum
        "int" => "int",
        "float" => "float",
        "double" => "double",
        _ => throw new BindingException($"'{name}' has no portable size; use a stdint type"),
    };

    private string Array(XElement element)
    {
        var length = CastXml.GetInt(element, "max") + 1;
        var type = Map(CastXml.Get(element, "type"));
        if (type.EndsWith('*'))
        {
            throw new BindingException("an array of pointers has no counterpart in the bindings");
        }
        var name = $"{char.ToUpperInvariant(type[0])}{type[1..]}Array{length}";
        _arrays[name] = new InlineArrayType(name, type, length);
        return name;
    }
}
