// The one-to-one map between bytes and characters of byte-level tokenizers: printable Latin-1 bytes
// stand for themselves, the other 68 take the code points from U+0100 on, in order.

namespace NanoFlow.Tokenization.Pipeline;

internal static class ByteAlphabet
{
    private const int FirstShifted = 0x100;

    private static readonly char[] Chars = BuildChars();
    private static readonly short[] Bytes = BuildBytes();

    public static char CharOf(byte value) => Chars[value];

    public static bool TryByteOf(char c, out byte value)
    {
        var found = c < Bytes.Length ? Bytes[c] : (short)-1;
        value = (byte)found;
        return found >= 0;
    }

    private static char[] BuildChars()
    {
        var chars = new char[256];
        var shifted = FirstShifted;
        for (var b = 0; b < chars.Length; b++)
        {
            var printable = b is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE;
            chars[b] = printable ? (char)b : (char)shifted++;
        }
        return chars;
    }

    private static short[] BuildBytes()
    {
        var bytes = new short[Chars.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (var b = 0; b < Chars.Length; b++)
        {
            bytes[Chars[b]] = (short)b;
        }
        return bytes;
    }
}
