// What a request for embeddings asks for, apart from its inputs.

namespace NanoFlow.Server.Protocol;

/// <param name="Size">Elements of an embedding.</param>
/// <param name="IsBase64">Written as little-endian floats in base64, not as numbers.</param>
internal readonly record struct EmbeddingSettings(int Size, bool IsBase64)
{
    public static EmbeddingSettings Parse(RequestFields fields, int hiddenSize)
    {
        if (hiddenSize == 0)
        {
            throw RequestRefusedException.Invalid("this model has no embeddings", "model");
        }

        InertFields.Check(fields);
        var dimensions = fields.Integer(FieldTable.Dimensions with { Max = hiddenSize });
        return new EmbeddingSettings(
            (int)(dimensions ?? hiddenSize),
            fields.Word(FieldTable.EncodingFormat) == "base64");
    }
}
