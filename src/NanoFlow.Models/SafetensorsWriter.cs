// Writes one safetensors file of bf16 tensors, from a generator, through one small buffer.
//
// The header is padded with spaces so that the data begins on a multiple of 64 bytes: a mapped
// file then serves aligned vector loads.

using System.Buffers.Binary;
using System.Text.Json;

namespace NanoFlow.Models;

/// <summary>Fills <paramref name="values"/> with a tensor's elements from
/// <paramref name="first"/> on, in row-major order.</summary>
internal delegate void TensorSource(string tensor, long first, Span<float> values);

internal static class SafetensorsWriter
{
    private const int ElementBytes = 2;
    private const int DataAlignment = 64;

    // Large enough that a write is a long run for the disk, small enough for the L2 cache.
    private const int BufferElements = 1 << 17;

    internal static void Write(
        string path, IReadOnlyList<ExpectedTensor> tensors, TensorSource source,
        Action<long, long>? progress)
    {
        var header = Header(tensors);
        var total = header.Length + (tensors.Sum(t => ModelSize.Elements(t.Shape)) * ElementBytes);

        // Reserving the space first makes a full disk fail now rather than in a minute.
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            BufferSize = 0,
            PreallocationSize = total,
        });
        file.Write(header);
        var values = new float[BufferElements];
        var bytes = new byte[BufferElements * ElementBytes];
        foreach (var tensor in tensors)
        {
            var count = ModelSize.Elements(tensor.Shape);
            for (var first = 0L; first < count; first += BufferElements)
            {
                var part = values.AsSpan(0, (int)Math.Min(BufferElements, count - first));
                source(tensor.Name, first, part);
                ToBFloat16(part, bytes);
                file.Write(bytes, 0, part.Length * ElementBytes);
                progress?.Invoke(file.Position, total);
            }
        }
    }

    /// <summary>Length prefix, JSON and padding.</summary>
    private static byte[] Header(IReadOnlyList<ExpectedTensor> tensors)
    {
        using var buffer = new MemoryStream();
        buffer.Write(stackalloc byte[sizeof(ulong)]);
        using (var json = new Utf8JsonWriter(buffer))
        {
            WriteHeader(json, tensors);
        }

        while (buffer.Length % DataAlignment != 0)
        {
            buffer.WriteByte((byte)' ');
        }

        var header = buffer.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)(header.Length - sizeof(ulong)));
        return header;
    }

    private static void WriteHeader(Utf8JsonWriter json, IReadOnlyList<ExpectedTensor> tensors)
    {
        json.WriteStartObject();
        json.WriteStartObject("__metadata__");

        // The Python loaders refuse a file that does not say this.
        json.WriteString("format", "pt");
        json.WriteEndObject();
        var begin = 0L;
        foreach (var tensor in tensors)
        {
            var end = begin + (ModelSize.Elements(tensor.Shape) * ElementBytes);
            json.WriteStartObject(tensor.Name);
            json.WriteString("dtype", TensorDType.BF16.StoredName());
            WriteList(json, "shape", tensor.Shape.Select(dim => (long)dim));
            WriteList(json, "data_offsets", [begin, end]);
            json.WriteEndObject();
            begin = end;
        }

        json.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter json, string name, IEnumerable<long> items)
    {
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            json.WriteNumberValue(item);
        }

        json.WriteEndArray();
    }

    // Rounds to nearest, ties to even. The values are finite.
    private static void ToBFloat16(ReadOnlySpan<float> values, Span<byte> bytes)
    {
        for (var i = 0; i < values.Length; i++)
        {
            var bits = BitConverter.SingleToUInt32Bits(values[i]);
            var rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
            BinaryPrimitives.WriteUInt16LittleEndian(bytes[(2 * i)..], (ushort)rounded);
        }
    }
}
