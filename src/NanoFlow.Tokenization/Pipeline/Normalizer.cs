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
        ["Lowercase"] = static _ => BertNormalizer.Lowercase,
        ["Strip"] = ReadStrip,
        ["StripAccents"] = static _ =>
            static text => BertNormalizer.StripMarks(text, onlyNonSpacing: false),
        ["BertNormalizer"] = static node => new BertNormalizer(node).Apply,
        ["Precompiled"] = static node => new CharacterMap(node).Apply,
        ["Nmt"] = static _ => CleanForTranslation,
        ["ByteLevel"] = static _ => SpellBytes,
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

    private static Func<string, string> ReadStrip(FileNode node)
    {
        var left = node.Flag("strip_left", absent: true);
        var right = node.Flag("strip_right", absent: true);
        return text =>
        {
            text = left ? text.TrimStart() : text;
            return right ? text.TrimEnd() : text;
        };
    }

    // SentencePiece's "nmt" rules: control characters go, what separates becomes a space.
    private static string CleanForTranslation(string text)
    {
        var kept = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            switch (c)
            {
                case (>= '\u0001' and <= '\u0008') or '\u000B' or (>= '\u000E' and <= '\u001F')
                    or '\u007F' or '\u008F' or '\u009F':
                    break;
                case '\t' or '\n' or '\f' or '\r' or '\u1680' or (>= '\u200B' and <= '\u200F')
                    or '\u2028' or '\u2029' or '\u2581' or '\uFEFF' or '\uFFFD':
                    kept.Append(' ');
                    break;
                default:
                    kept.Append(c);
                    break;
            }
        }
        return kept.ToString();
    }

    private static string SpellBytes(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        return string.Create(utf8.Length, utf8, static (chars, bytes) =>
        {
            for (var i = 0; i < bytes.Length; i++)
            {
                chars[i] = ByteAlphabet.CharOf(bytes[i]);
            }
        });
    }

    public static string Replace(string text, TextPattern pattern, string content)
    {
        var matcher = new PatternMatcher();
        matcher.Begin(text.Length);
        var result = new StringBuilder(text.Length);
        var done = 0;
        var from = 0;
        while (pattern.Find(matcher, text, from) is ( >= 0, _) match)
        {
            result.Append(text, done, match.Start - done).Append(content);
            done = match.End;
            from = match.End > match.Start ? match.End : match.End + 1;
        }
        return result.Append(text, done, text.Length - done).ToString();
    }
}
