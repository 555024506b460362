// Takes the text of one answer apart, while it comes, into pieces. A parser may hold back text that
// can turn out either way, but what it gives out, joined, must not depend on how the text was cut.

namespace NanoFlow.Server.Generating;

internal interface IAnswerParser
{
    /// <summary>What comes next belongs to thoughts.</summary>
    bool InThoughts => false;

    void Append(ReadOnlySpan<byte> text, AnswerPieces pieces);

    /// <summary>No more text follows: nothing is held back any more.</summary>
    void Finish(AnswerPieces pieces);
}

/// <summary>All of it is for the user.</summary>
internal sealed class PlainTextParser : IAnswerParser
{
    public void Append(ReadOnlySpan<byte> text, AnswerPieces pieces) =>
        pieces.Add(PieceKind.Text, text);

    public void Finish(AnswerPieces pieces)
    {
        // It holds nothing back.
    }
}
