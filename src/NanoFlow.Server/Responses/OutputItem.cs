// One item of an answer of /v1/responses, or one content block of /v1/messages: what the model said
// without a break, for the user or for itself.

using System.Buffers;
using NanoFlow.Server.Generating;

namespace NanoFlow.Server.Responses;

internal sealed class OutputItem(PieceKind kind)
{
    private readonly ArrayBufferWriter<byte> _text = new();

    public PieceKind Kind { get; } = kind;

    public string Id { get; } =
        (kind == PieceKind.Reasoning ? "rs_" : "msg_") + Guid.NewGuid().ToString("N");

    /// <summary>UTF-8, so far.</summary>
    public ReadOnlySpan<byte> Text => _text.WrittenSpan;

    public void Append(ReadOnlySpan<byte> text) => _text.Write(text);

    /// <summary>All of a finished answer. One that is silent has one item without text.</summary>
    public static List<OutputItem> ListOf(AnswerPieces pieces)
    {
        var items = new List<OutputItem>();
        for (var i = 0; i < pieces.Count; i++)
        {
            var piece = pieces[i];
            if (items.Count == 0 || items[^1].Kind != piece.Kind)
            {
                items.Add(new OutputItem(piece.Kind));
            }

            items[^1].Append(piece.Text);
        }

        return items.Count > 0 ? items : [new OutputItem(PieceKind.Text)];
    }
}
