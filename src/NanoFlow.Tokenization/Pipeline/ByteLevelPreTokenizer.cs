// GPT-2's byte level: every piece becomes its UTF-8 bytes, each written as one printable character,
// so that a vocabulary of 256 characters covers all text. Optionally a space is put before each
// piece first, and the pieces are cut by GPT-2's own pattern.

using System.Text;
using NanoFlow.Tokenization.Patterns;

namespace NanoFlow.Tokenization.Pipeline;

internal sealed class ByteLevelPreTokenizer(FileNode node) : PreTokenizer
{
    private const string Gpt2Pattern =
        @"'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private readonly bool _addPrefixSpace = node.Flag("add_prefix_space", absent: true);
    private readonly SplitPreTokenizer? _split = node.Flag("use_regex", absent: true)
        ? new SplitPreTokenizer(TextPattern.Compile(Gpt2Pattern), SplitBehavior.Isolated, false)
        : null;

    public override void Apply(Pieces pieces, PatternMatcher matcher)
    {
        if (_addPrefixSpace)
        {
            AddPrefixSpaces(pieces);
        }
        _split?.Apply(pieces, matcher);
        WriteBytes(pieces);
    }

    private static void AddPrefixSpaces(Pieces pieces)
    {
        for (var i = 0; i < pieces.Count; i++)
        {
            var start = pieces.Written;
            if (pieces[i][0] != ' ')
            {
                pieces.Write(' ');
            }
            pieces.Write(pieces[i]);
            pieces.KeepWritten(start);
        }
        pieces.CommitText();
    }

    private static void WriteBytes(Pieces pieces)
    {
        Span<byte> utf8 = stackalloc byte[4];
        for (var i = 0; i < pieces.Count; i++)
        {
            var start = pieces.Written;
            foreach (var rune in pieces[i].EnumerateRunes())
            {
                var count = rune.EncodeToUtf8(utf8);
                foreach (var b in utf8[..count])
                {
                    pieces.Write(ByteAlphabet.CharOf(b));
                }
            }
            pieces.KeepWritten(start);
        }
        pieces.CommitText();
    }
}
