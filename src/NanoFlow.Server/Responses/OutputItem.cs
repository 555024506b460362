// One item of an answer of /v1/responses, or one content block of /v1/messages: what the model said
// without a break, for the user or for itself, or one call.

using System.Buffers;
using NanoFlow.Server.Generating;

namespace NanoFlow.Server.Responses;

internal sealed class OutputItem
{
    private readonly ArrayBufferWriter<byte> _text = new();

    public OutputItem(PieceKind kind, ToolCall? call = null)
    {
        Kind = kind;
        Call = call;
        var prefix = kind switch
        {
            PieceKind.Reasoning => "rs_",
            PieceKind.ToolCall => "fc_",
            _ => "msg_",
        };
        Id = prefix + Guid.NewGuid().ToString("N");
    }

    public PieceKind Kind { get; }

    public ToolCall? Call { get; }

    public string Id { get; }

    /// <summary>UTF-8, so far; of a call its arguments.</summary>
    public ReadOnlySpan<byte> Text => _text.WrittenSpan;

    public void Append(ReadOnlySpan<byte> text) => _text.Write(text);

    public bool Continues(in AnswerPiece piece) => piece.Kind == Kind && !piece.StartsCall;

    /// <summary>All of a finished answer. One that is silent has one item without text.</summary>
    public static List<OutputItem> ListOf(AnswerPieces pieces)
    {
        var items = new List<OutputItem>();
        for (var i = 0; i < pieces.Count; i++)
        {
            var piece = pieces[i];
            if (items.Count == 0 || !items[^1].Continues(piece))
            {
                items.Add(new OutputItem(piece.Kind, piece.Call));
            }

            items[^1].Append(piece.Text);
        }

        return items.Count > 0 ? items : [new OutputItem(PieceKind.Text)];
    }
}
