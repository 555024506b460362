// What a GGUF header says of a tensor, and the proof that the tensors lie in the file one behind
// the other: each aligned, none past the end, no two on the same bytes, no bytes that no tensor
// accounts for.

namespace NanoFlow.Models;

/// <param name="Shape">As everywhere else, the contiguous dimension last.</param>
/// <param name="Offset">From the start of the data.</param>
internal readonly record struct GgufTensor(
    string Name, TensorDType DType, int[] Shape, long Offset, long ByteCount);

internal static class GgufLayout
{
    // The format's own limit.
    private const int MaxRank = 4;

    internal static GgufTensor ReadTensor(GgufReader reader, string name)
    {
        var rank = reader.U32();
        if (rank is 0 or > MaxRank)
        {
            throw reader.Error($"has {rank} dimensions, 1 to {MaxRank} are allowed");
        }

        Span<long> dims = stackalloc long[(int)rank];
        foreach (ref var dim in dims)
        {
            dim = ReadDim(reader);
        }

        var type = ReadType(reader);
        var bytes = ByteCount(reader, type, dims);
        var offset = reader.U64();
        if (offset > (ulong)reader.Length)
        {
            throw reader.Error($"has offset {offset}, the file has {reader.Length} bytes");
        }

        dims.Reverse();
        var shape = new int[rank];
        for (var i = 0; i < shape.Length; i++)
        {
            shape[i] = (int)dims[i];
        }

        return new(name, type.DType!.Value, shape, (long)offset, bytes);
    }

    /// <summary>Where the tensors lie in the file, in the order of their offsets.</summary>
    internal static IReadOnlyList<TensorEntry> Place(
        List<GgufTensor> tensors, GgufReader reader, int alignment)
    {
        var start = Align(reader.Position, alignment);
        tensors.Sort((a, b) => a.Offset.CompareTo(b.Offset));
        var entries = new List<TensorEntry>(tensors.Count);
        var end = 0L;
        foreach (var tensor in tensors)
        {
            var wanted = Align(end, alignment);
            reader.Place = $"tensor '{tensor.Name}'";
            if (tensor.Offset != wanted)
            {
                var what = tensor.Offset % alignment != 0 ? $"is not a multiple of {alignment}"
                    : tensor.Offset < wanted ? "overlaps the tensor before it"
                    : "leaves a gap";
                throw reader.Error($"has offset {tensor.Offset}, which {what}; {wanted} is wanted");
            }

            if (tensor.ByteCount > reader.Length - start - tensor.Offset)
            {
                throw reader.Error(
                    $"needs {tensor.ByteCount} bytes from offset {tensor.Offset} on, "
                    + $"the file has {Math.Max(0, reader.Length - start)} bytes of data");
            }

            end = tensor.Offset + tensor.ByteCount;
            entries.Add(new TensorEntry(
                tensor.Name, FileIndex: 0, tensor.DType, tensor.Shape, start + tensor.Offset,
                tensor.ByteCount));
        }

        return entries;
    }

    private static long ReadDim(GgufReader reader)
    {
        var dim = reader.U64();
        return dim is > 0 and <= int.MaxValue
            ? (long)dim
            : throw reader.Error($"has a dimension of {dim}, 1 to {int.MaxValue} are allowed");
    }

    private static GgufTensorType ReadType(GgufReader reader)
    {
        var id = reader.U32();
        var type = GgufTensorTypes.Find(id);
        return type is { DType: not null } supported
            ? supported
            : throw reader.Error(
                $"has type {type?.Name ?? "number " + id}, "
                + $"supported: {GgufTensorTypes.SupportedNames}");
    }

    private static long ByteCount(GgufReader reader, GgufTensorType type, Span<long> dims)
    {
        if (dims[0] % type.BlockElements != 0)
        {
            throw reader.Error(
                $"has rows of {dims[0]} elements, not a multiple of {type.BlockElements} as "
                + $"{type.Name} needs");
        }

        // The bound is checked after each factor below 2^31, so 128 bits always hold the product.
        var bytes = (UInt128)(dims[0] / type.BlockElements) * (UInt128)type.BlockBytes;
        foreach (var dim in dims[1..])
        {
            bytes *= (UInt128)dim;
            if (bytes > (UInt128)reader.Length)
            {
                break;
            }
        }

        return bytes <= (UInt128)reader.Length
            ? (long)bytes
            : throw reader.Error(
                $"has {Shown(dims)} elements of {type.Name}, more than the {reader.Length} bytes "
                + "of the file");
    }

    private static string Shown(Span<long> dims) => string.Join(" x ", dims.ToArray());

    private static long Align(long offset, int alignment) =>
        checked(offset + alignment - 1) / alignment * alignment;
}
