// Error messages quote what a file or a request says; whatever that is, they stay on one line.

using System.Text;

namespace NanoFlow.Tokenization;

internal static class OneLine
{
    /// <summary>The text with control characters written as escapes.</summary>
    public static string Of(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\u0000', '\u001f') && !text.Contains('\u007f'))
        {
            return text;
        }

        var line = new StringBuilder(text.Length + 8);
        foreach (var c in text)
        {
            _ = c switch
            {
                '\n' => line.Append("\\n"),
                _ when char.IsControl(c) => line.Append($"\\u{(int)c:x4}"),
                _ => line.Append(c),
            };
        }

        return line.ToString();
    }
}
