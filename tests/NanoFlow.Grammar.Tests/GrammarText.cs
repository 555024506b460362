using System.Text;

namespace NanoFlow.Grammar.Tests;

/// <summary>Asks a grammar about a whole text, byte by byte.</summary>
internal static class GrammarText
{
    public static bool Accepts(GrammarSpec spec, string text)
    {
        var grammar = new GrammarCache(() => TestVocabulary.Small).Get(spec);
        var constraint = new GrammarConstraint(grammar);
        var mask = new uint[TestVocabulary.Small.MaskWords];
        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            constraint.WriteMask(mask);
            if ((mask[value >> 5] >> (value & 31) & 1) == 0)
            {
                return false;
            }
            constraint.Append(value);
        }
        return constraint.MayEnd;
    }

    public static bool Accepts(string schema, string text, bool isStrict = true) =>
        Accepts(GrammarSpec.Schema(schema, isStrict), text);
}
