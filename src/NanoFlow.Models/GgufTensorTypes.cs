// The tensor types of GGUF files, by the format's numbers. Types with a TensorDType can be loaded;
// the others are here so that an error can name what was found.

namespace NanoFlow.Models;

/// <summary>So many elements of a row in so many bytes.</summary>
internal readonly record struct GgufTensorType(
    uint Id, string Name, TensorDType? DType = null, int BlockElements = 1, int BlockBytes = 0);

internal static class GgufTensorTypes
{
    private static readonly GgufTensorType[] Table =
    [
        new(0, "F32", TensorDType.F32, 1, 4),
        new(1, "F16", TensorDType.F16, 1, 2),
        new(30, "BF16", TensorDType.BF16, 1, 2),
        new(8, "Q8_0", TensorDType.Q80, 32, 34),
        new(2, "Q4_0", TensorDType.Q40, 32, 18),
        new(12, "Q4_K", TensorDType.Q4K, 256, 144),
        new(14, "Q6_K", TensorDType.Q6K, 256, 210),
        new(3, "Q4_1"),
        new(6, "Q5_0"),
        new(7, "Q5_1"),
        new(9, "Q8_1"),
        new(10, "Q2_K"),
        new(11, "Q3_K"),
        new(13, "Q5_K"),
        new(15, "Q8_K"),
        new(16, "IQ2_XXS"),
        new(17, "IQ2_XS"),
        new(18, "IQ3_XXS"),
        new(19, "IQ1_S"),
        new(20, "IQ4_NL"),
        new(21, "IQ3_S"),
        new(22, "IQ2_S"),
        new(23, "IQ4_XS"),
        new(24, "I8"),
        new(25, "I16"),
        new(26, "I32"),
        new(27, "I64"),
        new(28, "F64"),
        new(29, "IQ1_M"),
        new(34, "TQ1_0"),
        new(35, "TQ2_0"),
        new(39, "MXFP4"),
    ];

    internal static string SupportedNames { get; } =
        string.Join(", ", Table.Where(row => row.DType is not null).Select(row => row.Name));

    /// <summary>Null for a number that stands for nothing known.</summary>
    internal static GgufTensorType? Find(uint id)
    {
        var row = Array.Find(Table, row => row.Id == id);
        return row.Name is null ? null : row;
    }

    internal static string NameOf(TensorDType dtype) =>
        Array.Find(Table, row => row.DType == dtype).Name;
}
