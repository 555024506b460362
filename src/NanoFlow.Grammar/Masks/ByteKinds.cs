// Bytes by kind, at most 64 of them, so that a set of kinds is one word: signs each by itself,
// because grammars tell them apart; letters, digits, control characters and the bytes beyond ASCII
// together.

namespace NanoFlow.Grammar.Masks;

internal static class ByteKinds
{
    private static readonly byte[] KindOf = MakeKinds();

    private static readonly byte[][] Members =
    [
        .. Enumerable.Range(0, KindOf.Max() + 1).Select(kind =>
            Enumerable.Range(0, 256).Where(value => KindOf[value] == kind)
                .Select(static value => (byte)value).ToArray()),
    ];

    public static int Count => Members.Length;

    public static ulong Bit(byte value) => 1UL << KindOf[value];

    public static ReadOnlySpan<byte> Of(int kind) => Members[kind];

    private static byte[] MakeKinds()
    {
        var kinds = new byte[256];
        var last = (byte)6;
        for (var value = 0; value < 256; value++)
        {
            kinds[value] = (char)value switch
            {
                '\n' => 0,
                < ' ' or '\x7F' => 1,
                >= '0' and <= '9' => 2,
                >= 'a' and <= 'z' => 3,
                >= 'A' and <= 'Z' => 4,
                >= '\x80' and <= '\xBF' => 5,
                >= '\xC0' => 6,
                _ => ++last,
            };
        }
        return kinds;
    }
}
