// A range of code points as sequences of byte ranges: U+0000..U+07FF is 00-7F, and C2-DF 80-BF.

using System.Text;

namespace NanoFlow.Grammar.Machine;

internal static class Utf8Ranges
{
    private static readonly int[] LastOfLength = [0x7F, 0x7FF, 0xFFFF, 0x10FFFF];

    /// <param name="low">First code point, no surrogate.</param>
    /// <param name="high">Last one; no surrogate lies between.</param>
    public static List<(byte Low, byte High)[]> Of(int low, int high)
    {
        var sequences = new List<(byte, byte)[]>();
        foreach (var last in LastOfLength)
        {
            if (low <= Math.Min(high, last))
            {
                Add(low, Math.Min(high, last), sequences);
                low = last + 1;
            }
        }
        return sequences;
    }

    // Both ends have the same length. The range is cut until all bytes after the first that differs
    // run through everything.
    private static void Add(int low, int high, List<(byte, byte)[]> sequences)
    {
        for (var bits = 6; bits <= 18; bits += 6)
        {
            var tail = (1 << bits) - 1;
            if ((low & ~tail) == (high & ~tail))
            {
                break;
            }
            if ((low & tail) != 0)
            {
                Add(low, low | tail, sequences);
                Add((low | tail) + 1, high, sequences);
                return;
            }
            if ((high & tail) != tail)
            {
                Add(low, (high & ~tail) - 1, sequences);
                Add(high & ~tail, high, sequences);
                return;
            }
        }
        Span<byte> first = stackalloc byte[4];
        Span<byte> second = stackalloc byte[4];
        var length = new Rune(low).EncodeToUtf8(first);
        new Rune(high).EncodeToUtf8(second);
        var sequence = new (byte, byte)[length];
        for (var i = 0; i < length; i++)
        {
            sequence[i] = (first[i], second[i]);
        }
        sequences.Add(sequence);
    }
}
