using NanoFlow.Grammar.Machine;

namespace NanoFlow.Grammar.Patterns;

/// <summary>The classes that ECMAScript names, without its 'u' flag.</summary>
internal static class RegexSets
{
    public static readonly CodePoints LineEnds =
        new([('\n', '\n'), ('\r', '\r'), (0x2028, 0x2029)]);

    private static readonly CodePoints Digits = new([('0', '9')]);

    private static readonly CodePoints Words =
        new([('0', '9'), ('a', 'z'), ('A', 'Z'), ('_', '_')]);

    private static readonly CodePoints Spaces = new(
    [
        ('\t', '\r'), (' ', ' '), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A),
        (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
    ]);

    public static CodePoints Named(char letter) => letter switch
    {
        'd' => Digits,
        'w' => Words,
        _ => Spaces,
    };
}
