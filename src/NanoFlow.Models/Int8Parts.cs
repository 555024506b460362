// Matrices of int8 elements with a scale for each row. What they are multiplied with is rounded to
// int8 as well, each row of activations with a scale of its own.

namespace NanoFlow.Models;

/// <summary>The matrices of a model that are so.</summary>
[Flags]
public enum Int8Parts
{
    None = 0,

    /// <summary>All matrices of the layers.</summary>
    Layers = 1,

    /// <summary>The output projection; with tied embeddings it is the table of embeddings.
    /// </summary>
    Head = 2,
}

internal static class Int8Tensors
{
    // As compressed-tensors names them: "x.weight" has "x.weight_scale".
    private const string ScaleSuffix = "_scale";

    /// <summary>Is a tensor of a dense model among them?</summary>
    internal static bool Hold(this Int8Parts parts, ExpectedTensor tensor) =>
        tensor.Shape.Length == 2 && parts.HasFlag(
            tensor.Name == DecoderTensors.Head ? Int8Parts.Head : Int8Parts.Layers)
        && tensor.Name != DecoderTensors.Embeddings;

    /// <summary>What the rows of a matrix are multiplied with.</summary>
    internal static ExpectedTensor ScalesOf(ExpectedTensor matrix) =>
        new(ScalesOf(matrix.Name), [matrix.Shape[0], 1]);

    internal static string ScalesOf(string matrix) => matrix + ScaleSuffix;
}
