// The scales that stand beside an int8 matrix.

using System.Buffers.Binary;

namespace NanoFlow.Models;

public static class RowScales
{
    /// <param name="scales">What <see cref="TensorIndex.ScalesOf"/> has found.</param>
    /// <returns>[rows], finite and not negative.</returns>
    /// <exception cref="ModelFormatException">They cannot be read, or one is neither.</exception>
    public static float[] Read(TensorIndex tensors, TensorEntry scales)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentNullException.ThrowIfNull(scales);
        var path = tensors.Files[scales.FileIndex];
        var file = Path.GetFileName(path);
        using var stream = BoundedFile.Open(Path.GetDirectoryName(path)!, file);
        stream.Position = scales.Offset;
        var bytes = BoundedFile.ReadExactly(stream, checked((int)scales.ByteCount), file);
        var values = new float[scales.Shape[0]];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = Element(scales.DType, bytes, i);
            if (!float.IsFinite(values[i]) || values[i] < 0)
            {
                throw new ModelFormatException(
                    file,
                    FormattableString.Invariant(
                        $"tensor '{scales.Name}' has {values[i]} in row {i}, ")
                    + "a finite number of at least 0 is wanted");
            }
        }

        return values;
    }

    private static float Element(TensorDType dtype, ReadOnlySpan<byte> bytes, int index) =>
        dtype switch
        {
            TensorDType.F32 => BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * index)..]),
            TensorDType.F16 => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * index)..]),
            _ => BitConverter.Int32BitsToSingle(
                BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * index)..]) << 16),
        };
}
