using System.Numerics;
using System.Text;

namespace NanoFlow.Grammar.Tests;

/// <summary>All bytes, pieces of JSON, words, parts of characters, and an end token.</summary>
internal static class TestVocabulary
{
    private static readonly string[] Pieces =
    [
        "{\"", "\":", "\": ", ", \"", "},", "\"}", "]}", "[[", "true", "false", "null", "name",
        "a\"", "  ", "    ", "\n  ", "12", "345", "0.", "-1", "\\n", "\\u", "ed", "ros", "日本",
        "größ", "é",
        "ab", "cd", "2024-", "{}", "[]", "\", \"", "\\\"", "\"a\": ", "hello", " world", "}\n]",
    ];

    public static readonly GrammarVocabulary Small = Make();

    public static int End => Small.Size - 1;

    /// <summary>Draws tokens that the grammar allows until the end token; null when there were too
    /// many.</summary>
    public static string? Draw(
        GrammarConstraint constraint, Random random, int maximum, GrammarVocabulary vocabulary)
    {
        var text = new List<byte>();
        var mask = new uint[vocabulary.MaskWords];
        for (var i = 0; i < maximum; i++)
        {
            constraint.WriteMask(mask);
            var allowed = Allowed(mask);
            Assert.NotEmpty(allowed);
            // An end is taken at once where there is one, most of the time.
            var token = allowed.Exists(vocabulary.IsEnd) && random.Next(4) > 0
                ? allowed.Find(vocabulary.IsEnd)
                : allowed[random.Next(allowed.Count)];
            constraint.Append(token);
            if (vocabulary.IsEnd(token))
            {
                return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString([.. text]);
            }
            text.AddRange(vocabulary.Bytes(token));
        }
        return null;
    }

    public static List<int> Allowed(ReadOnlySpan<uint> mask)
    {
        var tokens = new List<int>();
        for (var word = 0; word < mask.Length; word++)
        {
            for (var bits = mask[word]; bits != 0; bits &= bits - 1)
            {
                tokens.Add(word * 32 + BitOperations.TrailingZeroCount(bits));
            }
        }
        return tokens;
    }

    private static GrammarVocabulary Make()
    {
        byte[][] tokens =
        [
            .. Enumerable.Range(0, 256).Select(static value => new[] { (byte)value }),
            .. Pieces.Select(Encoding.UTF8.GetBytes),
            [0xE6, 0x97], // the start of a character
            [],           // an unused id
            [],           // the end
        ];
        return new GrammarVocabulary(tokens.Length, id => tokens[id], [tokens.Length - 1]);
    }
}
