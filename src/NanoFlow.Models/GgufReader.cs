// The primitives of a GGUF file, read from a stream whose length is known: little-endian numbers,
// strings and runs of bytes. Every length is compared with what is left of the file before memory
// is taken for it, so no file can ask for more memory than it has bytes.

using System.Buffers.Binary;
using System.Text;

namespace NanoFlow.Models;

internal sealed class GgufReader(Stream stream, string file)
{
    internal static readonly UTF8Encoding StrictUtf8 =
        new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly byte[] _small = new byte[256];

    public long Length { get; } = stream.Length;

    public long Position { get; private set; }

    public long Left => Length - Position;

    /// <summary>What is being read, for error messages.</summary>
    public string Place { get; set; } = "header";

    public byte U8() => Fill(sizeof(byte))[0];

    public ushort U16() => BinaryPrimitives.ReadUInt16LittleEndian(Fill(sizeof(ushort)));

    public uint U32() => BinaryPrimitives.ReadUInt32LittleEndian(Fill(sizeof(uint)));

    public ulong U64() => BinaryPrimitives.ReadUInt64LittleEndian(Fill(sizeof(ulong)));

    /// <summary>A count of things that take at least so many bytes each.</summary>
    public int Count(string what, int limit, int leastBytes)
    {
        var count = U64();
        var possible = Math.Min(limit, Left / leastBytes);
        return count <= (ulong)possible
            ? (int)count
            : throw Error($"{what} is {count}, at most {possible} are possible here");
    }

    /// <summary>A string: its length in bytes, then UTF-8.</summary>
    public string Text(int limit)
    {
        var length = TextLength(limit);
        if (length <= _small.Length)
        {
            return Decode(Fill(length));
        }

        // One character takes at least one byte, so this is at most the string's own size more.
        return Decode(Bytes(length));
    }

    /// <summary>Reads only the length of a string and passes over its bytes.</summary>
    public void SkipText(int limit)
    {
        var length = TextLength(limit);
        stream.Seek(length, SeekOrigin.Current);
        Position += length;
    }

    public byte[] Bytes(long count)
    {
        if (count > Left)
        {
            throw Error($"needs {count} bytes, {Left} are left in the file");
        }

        var bytes = new byte[count];
        Read(bytes);
        return bytes;
    }

    public void MoveTo(long position)
    {
        stream.Seek(position, SeekOrigin.Begin);
        Position = position;
    }

    public string Decode(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return StrictUtf8.GetString(utf8);
        }
        catch (DecoderFallbackException e)
        {
            throw new ModelFormatException(file, $"{Place}: a string is not valid UTF-8", e);
        }
    }

    public ModelFormatException Error(string detail) => new(file, $"{Place}: {detail}");

    private int TextLength(int limit)
    {
        var length = U64();
        var possible = Math.Min(limit, Left);
        return length <= (ulong)possible
            ? (int)length
            : throw Error($"a string has {length} bytes, at most {possible} are possible here");
    }

    private ReadOnlySpan<byte> Fill(int count)
    {
        if (count > Left)
        {
            throw Error($"the file ends here, after {Length} bytes");
        }

        var bytes = _small.AsSpan(0, count);
        Read(bytes);
        return bytes;
    }

    private void Read(Span<byte> into)
    {
        try
        {
            stream.ReadExactly(into);
        }
        catch (IOException e)
        {
            throw new ModelFormatException(file, $"cannot be read: {e.Message}", e);
        }

        Position += into.Length;
    }
}
