// The arrays of a GGUF file, kept as the bytes they have in the file and decoded item by item: a
// vocabulary of 150,000 tokens stays as small as it is on disk.

using System.Buffers.Binary;
using System.Collections;
using System.Text;

namespace NanoFlow.Models;

/// <param name="raw">Strings one after the other, each behind its length in 8 bytes.</param>
/// <param name="starts">Where in raw each string's length stands.</param>
internal sealed class GgufStrings(string file, string key, byte[] raw, int[] starts)
    : IReadOnlyList<string>
{
    private const int LengthBytes = sizeof(ulong);

    public int Count => starts.Length;

    public string this[int index]
    {
        get
        {
            var start = starts[index] + LengthBytes;
            var end = index + 1 < starts.Length ? starts[index + 1] : raw.Length;
            try
            {
                return GgufReader.StrictUtf8.GetString(raw, start, end - start);
            }
            catch (DecoderFallbackException e)
            {
                throw new ModelFormatException(file, $"{key}[{index}] is not valid UTF-8", e);
            }
        }
    }

    public IEnumerator<string> GetEnumerator()
    {
        for (var i = 0; i < starts.Length; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>Numbers of any type; 64-bit integers beyond 2^53 are rounded.</summary>
internal sealed class GgufNumbers(byte[] raw, GgufType type) : IReadOnlyList<double>
{
    private readonly int _width = type.Width();

    public int Count => raw.Length / _width;

    public double this[int index]
    {
        get
        {
            var bytes = raw.AsSpan(index * _width, _width);
            return type switch
            {
                GgufType.U8 or GgufType.Bool => bytes[0],
                GgufType.I8 => (sbyte)bytes[0],
                GgufType.U16 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
                GgufType.I16 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
                GgufType.U32 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
                GgufType.I32 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
                GgufType.U64 => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
                GgufType.I64 => BinaryPrimitives.ReadInt64LittleEndian(bytes),
                GgufType.F32 => BinaryPrimitives.ReadSingleLittleEndian(bytes),
                _ => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
            };
        }
    }

    public IEnumerator<double> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
