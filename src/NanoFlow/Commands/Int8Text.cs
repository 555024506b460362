using NanoFlow.Cli;
using NanoFlow.Models;

namespace NanoFlow.Commands;

/// <summary>Which matrices are int8, in words.</summary>
internal static class Int8Text
{
    public static string Of(Int8Parts parts) => parts switch
    {
        Int8Parts.None => "nothing",
        Int8Parts.Layers => "layers",
        Int8Parts.Head => "LM head",
        _ => "layers and LM head",
    };

    /// <param name="label">In the table.</param>
    public static void AddTo(Figures figures, string label, Int8Parts parts) => figures.Add(
        "quantization", label, parts == Int8Parts.None ? "none" : "int8", Of(parts));
}
