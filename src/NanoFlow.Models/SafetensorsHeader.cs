// Reads the header of a safetensors file and proves it: where each tensor lies, and that the
// tensors fill the file exactly.
//
// Layout: 8 bytes length N (little endian), N bytes of JSON, then the data. The JSON maps each
// tensor to {"dtype", "shape", "data_offsets": [begin, end]}, offsets counted from the data's
// start; "__metadata__" maps strings to strings and is skipped. The header is walked token by
// token, so that memory stays at the header's own size, whatever it holds. No tensor data is read.

using System.Buffers.Binary;
using System.Text.Json;

namespace NanoFlow.Models;

/// <summary>Where a tensor lies.</summary>
/// <param name="Offset">From the start of the file, in bytes.</param>
public sealed record TensorEntry(
    string Name, int FileIndex, TensorDType DType, int[] Shape, long Offset, long ByteCount)
{
    /// <summary>
    /// Rows of every group of so many stand in the order 0, n/2, 1, n/2 + 1, ...; 0: in their own
    /// order.
    /// </summary>
    public int PairedRows { get; init; }
}

public static class SafetensorsHeader
{
    private const int LengthBytes = 8;

    // Root object, tensor object, list; one level to spare for a clear message.
    private const int Depth = 4;

    /// <summary>Entries in the order of their offsets.</summary>
    public static IReadOnlyList<TensorEntry> Read(Stream stream, string fileName, int fileIndex)
    {
        var json = ReadJson(stream, fileName);
        var parser = new SafetensorsHeaderParser(fileName);
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = Depth });
            parser.Walk(ref reader);
        }
        catch (JsonException e)
        {
            throw new ModelFormatException(fileName, $"header is not valid JSON: {e.Message}", e);
        }

        var start = LengthBytes + (long)json.Length;
        var tensors = parser.Tensors;
        tensors.Sort((a, b) => (a.Begin, a.End).CompareTo((b.Begin, b.End)));
        CheckCover(tensors, stream.Length - start, fileName);
        return tensors.ConvertAll(t => new TensorEntry(
            t.Name, fileIndex, t.DType, t.Shape, start + t.Begin, t.End - t.Begin));
    }

    private static byte[] ReadJson(Stream stream, string fileName)
    {
        if (stream.Length < LengthBytes)
        {
            throw new ModelFormatException(
                fileName, $"has {stream.Length} bytes, a safetensors file has at least 8");
        }

        var prefix = BoundedFile.ReadExactly(stream, LengthBytes, fileName);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        var limit = (ulong)Math.Min(ModelLimits.HeaderBytes, stream.Length - LengthBytes);
        if (length > limit)
        {
            throw new ModelFormatException(
                fileName, $"header length is {length}, at most {limit} bytes are possible here");
        }

        var json = BoundedFile.ReadExactly(stream, (int)length, fileName);
        return json.Length > 0 && json[0] == (byte)'{'
            ? json
            : throw new ModelFormatException(fileName, "header does not begin with '{'");
    }

    // Sorted tensors must follow each other without gap or overlap, from 0 to the file's end.
    private static void CheckCover(List<ParsedTensor> tensors, long dataBytes, string fileName)
    {
        var cursor = 0L;
        foreach (var tensor in tensors)
        {
            if (tensor.Begin != cursor)
            {
                var what = tensor.Begin < cursor ? "overlaps the tensor before it" : "leaves a gap";
                throw new ModelFormatException(
                    fileName,
                    $"tensor '{tensor.Name}' {what}: begins at {tensor.Begin}, not {cursor}");
            }

            cursor = tensor.End;
        }

        if (cursor != dataBytes)
        {
            throw new ModelFormatException(
                fileName, $"header describes {cursor} bytes of data, the file has {dataBytes}");
        }
    }
}
