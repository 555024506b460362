// SentencePiece's way with spaces: each becomes a visible sign (usually U+2581), one is put before
// the text (always, only at its very start, or never), and the pieces begin with the sign.

using NanoFlow.Tokenization.Patterns;

namespace NanoFlow.Tokenization.Pipeline;

internal sealed class MetaspacePreTokenizer : PreTokenizer
{
    private readonly char _sign;
    private readonly bool _always;
    private readonly bool _first;
    private readonly SplitPreTokenizer? _split;

    public MetaspacePreTokenizer(FileNode node)
    {
        _sign = ReadSign(node);
        var scheme = ReadScheme(node);
        _always = scheme == "always";
        _first = scheme == "first";
        _split = node.Flag("split", absent: true)
            ? new SplitPreTokenizer(
                TextPattern.Literal(_sign.ToString()), SplitBehavior.MergedWithNext, false)
            : null;
    }

    public static char ReadSign(FileNode node)
    {
        var sign = node.OptionalText("replacement") ?? "\u2581";
        return sign.Length == 1
            ? sign[0]
            : throw node.Error("'replacement' must be one character");
    }

    // "always", "first" or "never"; files of old versions have only "add_prefix_space".
    public static string ReadScheme(FileNode node)
    {
        var scheme = node.OptionalText("prepend_scheme")
            ?? (node.Flag("add_prefix_space", absent: true) ? "always" : "never");
        return scheme is "always" or "first" or "never"
            ? scheme
            : throw node.Error($"prepend_scheme '{scheme}' is not supported");
    }

    public override void Apply(Pieces pieces, PatternMatcher matcher)
    {
        for (var i = 0; i < pieces.Count; i++)
        {
            var start = pieces.Written;
            var prepends = _always || (_first && pieces.IsTextStart && pieces.Start(i) == 0);
            if (prepends && pieces[i][0] != ' ' && pieces[i][0] != _sign)
            {
                pieces.Write(_sign);
            }
            foreach (var c in pieces[i])
            {
                pieces.Write(c == ' ' ? _sign : c);
            }
            pieces.KeepWritten(start);
        }
        pieces.CommitText();
        _split?.Apply(pieces, matcher);
    }
}
