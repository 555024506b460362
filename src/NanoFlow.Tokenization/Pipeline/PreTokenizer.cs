// A pre-tokenizer cuts text into the pieces that the model encodes one by one. Each kind is a class
// and a line in the table below; "Sequence" is a list of them.

using NanoFlow.Tokenization.Patterns;

namespace NanoFlow.Tokenization.Pipeline;

internal abstract class PreTokenizer
{
    private static readonly Dictionary<string, Func<FileNode, PreTokenizer>> Kinds = new()
    {
        ["Sequence"] = static node => new PreTokenizerSequence(
            [.. node.Items("pretokenizers").Select(Read)]),
        ["Split"] = SplitPreTokenizer.ReadSplit,
        ["ByteLevel"] = static node => new ByteLevelPreTokenizer(node),
        ["Metaspace"] = static node => new MetaspacePreTokenizer(node),
        ["Digits"] = SplitPreTokenizer.ReadDigits,
        ["Punctuation"] = SplitPreTokenizer.ReadPunctuation,
        ["Whitespace"] = static _ => SplitPreTokenizer.Words(),
        ["WhitespaceSplit"] = static _ => SplitPreTokenizer.WhiteSpace(),
        ["BertPreTokenizer"] = static _ => new PreTokenizerSequence(
        [
            SplitPreTokenizer.WhiteSpace(),
            SplitPreTokenizer.Punctuation(SplitBehavior.Isolated),
        ]),
        ["CharDelimiterSplit"] = SplitPreTokenizer.ReadCharDelimiter,
        ["FixedLength"] = static node => new FixedLengthPreTokenizer(node),
    };

    public static PreTokenizer Read(FileNode node) =>
        Kinds.TryGetValue(node.Type, out var read) ? read(node) : throw node.UnsupportedType();

    public abstract void Apply(Pieces pieces, PatternMatcher matcher);
}

internal sealed class PreTokenizerSequence(IReadOnlyList<PreTokenizer> items) : PreTokenizer
{
    public override void Apply(Pieces pieces, PatternMatcher matcher)
    {
        foreach (var item in items)
        {
            item.Apply(pieces, matcher);
        }
    }
}

// Cuts every piece into pieces of so many characters; the last may be shorter.
internal sealed class FixedLengthPreTokenizer(FileNode node) : PreTokenizer
{
    private readonly int _length = node.Integer("length", 1, int.MaxValue);

    public override void Apply(Pieces pieces, PatternMatcher matcher)
    {
        for (var i = 0; i < pieces.Count; i++)
        {
            var start = pieces.Start(i);
            var at = start;
            var count = 0;
            foreach (var rune in pieces[i].EnumerateRunes())
            {
                at += rune.Utf16SequenceLength;
                if (++count == _length)
                {
                    pieces.Keep(start, at);
                    start = at;
                    count = 0;
                }
            }
            pieces.Keep(start, at);
        }
        pieces.Commit();
    }
}
