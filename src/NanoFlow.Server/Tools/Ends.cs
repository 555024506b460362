// Whether a text starts with a word, or ends within one.

namespace NanoFlow.Server.Tools;

internal static class Ends
{
    /// <summary>Bytes at the end of the text that are the start of the word, but not all of it.
    /// </summary>
    public static int PartOf(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word)
    {
        for (var length = Math.Min(text.Length, word.Length - 1); length > 0; length--)
        {
            if (text.EndsWith(word[..length]))
            {
                return length;
            }
        }

        return 0;
    }

    /// <summary>Bytes of the word that the text starts with; 0: of none.</summary>
    public static int Leading(ReadOnlySpan<byte> text, byte[][] words)
    {
        foreach (var word in words)
        {
            if (text.StartsWith(word))
            {
                return word.Length;
            }
        }

        return 0;
    }

    /// <summary>The text is the start of a word, but not all of it.</summary>
    public static bool IsPartOfAny(ReadOnlySpan<byte> text, byte[][] words)
    {
        foreach (var word in words)
        {
            if (text.Length < word.Length && word.AsSpan().StartsWith(text))
            {
                return true;
            }
        }

        return false;
    }
}
