// A normalizer rewrites text before it is split. Each kind is a function from text to text and a
// line in the table below; "Sequence" applies a list of them.

using System.Text;
using NanoFlow.Tokenization.Patterns;

namespace NanoFlow.Tokenization.Pipeline;

internal static class Normalizer
{
    private static readonly Dictionary<string, Func<FileNode, Func<string, string>>> Kinds = new()
    {
        ["Sequence"] = ReadSequence,
        ["Replace"] = ReadReplace,
        ["Prepend"] = ReadPrepend,
        ["NFC"] = static _ => new NormalForm(compatible: false, compose: true).Apply,
        ["NFD"] = static _ => new NormalForm(compatible: false, compose: false).Apply,
        ["NFKC"] = static _ => new NormalForm(compatible: true, compose: true).Apply,
        ["NFKD"] = static _ => new NormalForm(compatible: true, compose: false).Apply,
        ["Lowercase"] = static _ => Lowercase,
    };

    public static Func<string, string> Read(FileNode node) =>
        Kinds.TryGetValue(node.Type, out var read) ? read(node) : throw node.UnsupportedType();

    private static Func<string, string> ReadSequence(FileNode node)
    {
        Func<string, string>[] steps = [.. node.Items("normalizers").Select(Read)];
        return text => steps.Aggregate(text, static (current, step) => step(current));
    }

    private static Func<string, string> ReadPrepend(FileNode node)
    {
        var prefix = node.Text("prepend");
        return text => text.Length == 0 ? text : prefix + text;
    }

    private static Func<string, string> ReadReplace(FileNode node)
    {
        var content = node.Text("content");
        if (node.Child("pattern").OptionalText("String") is { Length: > 0 } literal)
        {
            return text => text.Replace(literal, content, StringComparison.Ordinal);
        }
        var pattern = SplitPreTokenizer.ReadPattern(node);
        return text => Replace(text, pattern, content);
    }

    private static string Replace(string text, TextPattern pattern, string content)
    {
        var matcher = new PatternMatcher();
        matcher.Begin(text.Length);
        var result = new StringBuilder(text.Length);
        var done = 0;
        var from = 0;
        while (pattern.Find(matcher, text, from) is (>= 0, _) match)
        {
            result.Append(text, done, match.Start - done).Append(content);
            done = match.End;
            from = match.End > match.Start ? match.End : match.End + 1;
        }
        return result.Append(text, done, text.Length - done).ToString();
    }

    // The only code point whose lower case is longer by itself is U+0130.
    private static string Lowercase(string text) =>
        text.Replace("\u0130", "i\u0307", StringComparison.Ordinal).ToLowerInvariant();
}
