// Element types of stored tensors. The engine loads the first four and the block formats of GGUF
// files; their values are part of the contract with native code. The others exist so that an error
// can name what was found.

namespace NanoFlow.Models;

public enum TensorDType
{
    F32 = 1,
    F16 = 2,
    BF16 = 3,

    /// <summary>The scales of its rows are a tensor of their own.</summary>
    I8 = 4,

    Q80 = 16,
    Q40 = 17,
    Q4K = 18,
    Q6K = 19,
    F64 = 100,
    C64 = 101,
    F8E5M2 = 110,
    F8E4M3 = 111,
    F8E8M0 = 112,
    F6E2M3 = 113,
    F6E3M2 = 114,
    F4 = 115,
    I64 = 120,
    I32 = 121,
    I16 = 122,
    U64 = 130,
    U32 = 131,
    U16 = 132,
    U8 = 133,
    Bool = 140,
}

public static class TensorDTypes
{
    // Names and widths are those of the safetensors format.
    private static readonly (string Name, TensorDType DType, int Bits)[] Table =
    [
        ("BF16", TensorDType.BF16, 16),
        ("F16", TensorDType.F16, 16),
        ("F32", TensorDType.F32, 32),
        ("F64", TensorDType.F64, 64),
        ("C64", TensorDType.C64, 64),
        ("F8_E5M2", TensorDType.F8E5M2, 8),
        ("F8_E4M3", TensorDType.F8E4M3, 8),
        ("F8_E8M0", TensorDType.F8E8M0, 8),
        ("F6_E2M3", TensorDType.F6E2M3, 6),
        ("F6_E3M2", TensorDType.F6E3M2, 6),
        ("F4", TensorDType.F4, 4),
        ("I64", TensorDType.I64, 64),
        ("I32", TensorDType.I32, 32),
        ("I16", TensorDType.I16, 16),
        ("I8", TensorDType.I8, 8),
        ("U64", TensorDType.U64, 64),
        ("U32", TensorDType.U32, 32),
        ("U16", TensorDType.U16, 16),
        ("U8", TensorDType.U8, 8),
        ("BOOL", TensorDType.Bool, 8),
    ];

    /// <summary>What any tensor of a folder may be stored in, as an error message lists it.
    /// </summary>
    public static string SupportedNames => "F32, F16, BF16";

    /// <summary>Elements that are numbers by themselves, and that the engine can load.</summary>
    public static bool IsFloat(this TensorDType dtype) =>
        dtype is TensorDType.F32 or TensorDType.F16 or TensorDType.BF16;

    /// <summary>Elements are stored in blocks that run along the last dimension.</summary>
    public static bool IsBlockFormat(this TensorDType dtype) =>
        dtype is >= TensorDType.Q80 and <= TensorDType.Q6K;

    /// <summary>
    /// Width of an element in bits, where it has one; some types are narrower than a byte.
    /// </summary>
    public static int Bits(this TensorDType dtype) =>
        Array.Find(Table, row => row.DType == dtype).Bits;

    /// <summary>The format's own name, such as F8_E4M3.</summary>
    public static string StoredName(this TensorDType dtype) => dtype.IsBlockFormat()
        ? GgufTensorTypes.NameOf(dtype)
        : Array.Find(Table, row => row.DType == dtype).Name;

    internal static bool TryParse(string name, out TensorDType dtype)
    {
        var row = Array.Find(Table, row => row.Name == name);
        dtype = row.DType;
        return row.Name is not null;
    }
}
