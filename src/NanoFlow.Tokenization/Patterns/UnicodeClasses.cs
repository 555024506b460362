// The named classes a pattern may use: general categories (\p{L}, \p{Lu}, …), the scripts that
// published tokenizers name, and the Unicode meaning of \s, \d and \w. Categories come from the
// runtime's own tables, which cover the astral planes; scripts are listed here.

using System.Globalization;

namespace NanoFlow.Tokenization.Patterns;

internal static class UnicodeClasses
{
    // White_Space=Yes, PropList.txt.
    private static readonly int[] WhiteSpaceRanges =
    [
        0x0009, 0x000D, 0x0020, 0x0020, 0x0085, 0x0085, 0x00A0, 0x00A0, 0x1680, 0x1680,
        0x2000, 0x200A, 0x2028, 0x2029, 0x202F, 0x202F, 0x205F, 0x205F, 0x3000, 0x3000,
    ];

    // Alphabetic symbols that no category of \w covers (circled and squared letters).
    private static readonly int[] OtherAlphabeticSymbols =
        [0x24B6, 0x24E9, 0x1F130, 0x1F149, 0x1F150, 0x1F169, 0x1F170, 0x1F189];

    // Scripts.txt, as closed ranges.
    private static readonly Dictionary<string, int[]> Scripts = new()
    {
        ["Han"] =
        [
            0x2E80, 0x2E99, 0x2E9B, 0x2EF3, 0x2F00, 0x2FD5, 0x3005, 0x3005, 0x3007, 0x3007,
            0x3021, 0x3029, 0x3038, 0x303B, 0x3400, 0x4DBF, 0x4E00, 0x9FFF, 0xF900, 0xFA6D,
            0xFA70, 0xFAD9, 0x16FE2, 0x16FE3, 0x16FF0, 0x16FF1, 0x20000, 0x2A6DF,
            0x2A700, 0x2B739, 0x2B740, 0x2B81D, 0x2B820, 0x2CEA1, 0x2CEB0, 0x2EBE0,
            0x2EBF0, 0x2EE5D, 0x2F800, 0x2FA1D, 0x30000, 0x3134A, 0x31350, 0x323AF,
        ],
    };

    // Short names of UnicodeCategory in the order of the enumeration.
    private static readonly string[] CategoryNames =
    [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc",
        "Cf", "Cs", "Co", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn",
    ];

    private static readonly byte[] Categories = BuildCategories();

    public static CodePointBits WhiteSpace()
    {
        var bits = new CodePointBits();
        bits.AddRanges(WhiteSpaceRanges);
        return bits;
    }

    public static CodePointBits Digit() => OfCategories(static name => name == "Nd");

    // What UTS #18 takes for a word, with the two joiners.
    public static CodePointBits Word()
    {
        var bits = WordWithoutJoiners();
        bits.AddRange(0x200C, 0x200D);
        return bits;
    }

    // \w as Oniguruma has it, in which published patterns are written: no joiners, but the raised
    // digits and fractions of Latin-1.
    public static CodePointBits PatternWord()
    {
        var bits = WordWithoutJoiners();
        bits.AddRanges([0xB2, 0xB3, 0xB9, 0xB9, 0xBC, 0xBE]);
        return bits;
    }

    private static CodePointBits WordWithoutJoiners()
    {
        var bits = OfCategories(
            static name => name[0] is 'L' or 'M' || name is "Nd" or "Nl" or "Pc");
        bits.AddRanges(OtherAlphabeticSymbols);
        return bits;
    }

    // Null when the name is neither a category ("L", "Lu") nor a known script.
    public static CodePointBits? Find(string name)
    {
        if (Scripts.TryGetValue(name, out var ranges))
        {
            var bits = new CodePointBits();
            bits.AddRanges(ranges);
            return bits;
        }
        var known = Array.Exists(
            CategoryNames, c => c == name || (name.Length == 1 && c[0] == name[0]));
        return known ? OfCategories(c => c.StartsWith(name, StringComparison.Ordinal)) : null;
    }

    private static CodePointBits OfCategories(Predicate<string> wanted)
    {
        var mask = 0u;
        for (var i = 0; i < CategoryNames.Length; i++)
        {
            mask |= wanted(CategoryNames[i]) ? 1u << i : 0;
        }
        var bits = new CodePointBits();
        for (var codePoint = 0; codePoint < Categories.Length; codePoint++)
        {
            if ((mask >> Categories[codePoint] & 1) != 0)
            {
                bits.Add(codePoint);
            }
        }
        return bits;
    }

    private static byte[] BuildCategories()
    {
        var categories = new byte[CodePointBits.CodePointCount];
        for (var codePoint = 0; codePoint < categories.Length; codePoint++)
        {
            categories[codePoint] = (byte)CharUnicodeInfo.GetUnicodeCategory(codePoint);
        }
        return categories;
    }
}
