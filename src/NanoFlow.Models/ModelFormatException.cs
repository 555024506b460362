// The one error of this library: a model folder that cannot be used, and why.
//
// The message is one line "file: what is wrong, what is wanted". Parts of it come from the file
// itself (tensor names, values), so control characters are replaced and the length is bounded
// here, once, and a hostile name cannot forge a second log line.

using System.Text;

namespace NanoFlow.Models;

public sealed class ModelFormatException : Exception
{
    // Two names of the longest allowed size still fit a terminal screen.
    private const int MaxMessageChars = 1000;

    public ModelFormatException(string file, string detail, Exception? inner = null)
        : base(OneLine($"{file}: {detail}"), inner)
    {
        File = file;
    }

    /// <summary>Name of the file (or path of the folder) that is at fault.</summary>
    public string File { get; }

    private static string OneLine(string text)
    {
        var length = Math.Min(text.Length, MaxMessageChars);
        var line = new StringBuilder(text, 0, length, length + 3);
        for (var i = 0; i < line.Length; i++)
        {
            if (char.IsControl(line[i]) || line[i] is '\u2028' or '\u2029')
            {
                line[i] = '?';
            }
        }

        return text.Length > length ? line.Append("...").ToString() : line.ToString();
    }
}
