// The types of GGUF metadata: the format's own numbers.

namespace NanoFlow.Models;

internal enum GgufType : uint
{
    U8 = 0,
    I8 = 1,
    U16 = 2,
    I16 = 3,
    U32 = 4,
    I32 = 5,
    F32 = 6,
    Bool = 7,
    String = 8,
    Array = 9,
    U64 = 10,
    I64 = 11,
    F64 = 12,
}

internal static class GgufTypes
{
    /// <summary>Bytes of a value; of a string or array those of its length.</summary>
    internal static int Width(this GgufType type) => type switch
    {
        GgufType.U8 or GgufType.I8 or GgufType.Bool => 1,
        GgufType.U16 or GgufType.I16 => 2,
        GgufType.U32 or GgufType.I32 or GgufType.F32 => 4,
        _ => 8,
    };
}
