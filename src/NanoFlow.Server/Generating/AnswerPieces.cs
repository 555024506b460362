// What new tokens added to an answer, in order, until it is written: text for the user, reasoning,
// parts of tool calls. This is what every wire format is written from, so none of them looks at
// the text of the model. Neighbours of one kind are joined; the memory is reused after Clear.

using System.Text;

namespace NanoFlow.Server.Generating;

internal enum PieceKind
{
    Text,
    Reasoning,

    /// <summary>Arguments of a tool call, or a part of them.</summary>
    ToolCall,
}

/// <param name="Index">Among the calls of its answer, from 0.</param>
internal sealed record ToolCall(int Index, string Id, string Name);

/// <summary>Good until the list it comes from changes.</summary>
internal readonly ref struct AnswerPiece
{
    public required PieceKind Kind { get; init; }

    /// <summary>UTF-8, whole characters.</summary>
    public required ReadOnlySpan<byte> Text { get; init; }

    /// <summary>The call that a piece of kind ToolCall belongs to.</summary>
    public ToolCall? Call { get; init; }

    /// <summary>The first piece of its call: a client has not yet heard of it.</summary>
    public bool StartsCall { get; init; }
}

internal sealed class AnswerPieces
{
    private readonly List<Part> _parts = [];
    private byte[] _bytes = new byte[64];
    private int _length;

    public int Count => _parts.Count;

    public AnswerPiece this[int index]
    {
        get
        {
            var part = _parts[index];
            var end = index + 1 < _parts.Count ? _parts[index + 1].Begin : _length;
            return new AnswerPiece
            {
                Kind = part.Kind,
                Text = _bytes.AsSpan(part.Begin, end - part.Begin),
                Call = part.Call,
                StartsCall = part.StartsCall,
            };
        }
    }

    /// <summary>A call was ever added, taken or not.</summary>
    public bool HasCalls { get; private set; }

    public void Add(PieceKind kind, ReadOnlySpan<byte> text) => Add(kind, null, text);

    /// <summary>Starts a call; its arguments follow with <see cref="AddArguments"/>.</summary>
    public void StartCall(ToolCall call)
    {
        HasCalls = true;
        _parts.Add(new Part(PieceKind.ToolCall, _length, call, StartsCall: true));
    }

    public void AddArguments(ToolCall call, ReadOnlySpan<byte> text) =>
        Add(PieceKind.ToolCall, call, text);

    /// <summary>All text of a kind as one string.</summary>
    public string Joined(PieceKind kind)
    {
        var text = new StringBuilder();
        for (var i = 0; i < Count; i++)
        {
            var piece = this[i];
            if (piece.Kind == kind)
            {
                text.Append(Encoding.UTF8.GetString(piece.Text));
            }
        }

        return text.ToString();
    }

    /// <summary>Each call with its arguments, in their order.</summary>
    public IReadOnlyList<(ToolCall Call, string Arguments)> Calls()
    {
        var calls = new List<(ToolCall Call, string Arguments)>();
        for (var i = 0; i < Count; i++)
        {
            var piece = this[i];
            if (piece.StartsCall)
            {
                calls.Add((piece.Call!, ""));
            }

            if (piece.Kind == PieceKind.ToolCall)
            {
                var arguments = calls[^1].Arguments + Encoding.UTF8.GetString(piece.Text);
                calls[^1] = (calls[^1].Call, arguments);
            }
        }

        return calls;
    }

    public void Clear()
    {
        _parts.Clear();
        _length = 0;
    }

    private void Add(PieceKind kind, ToolCall? call, ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
        {
            return;
        }

        // A client hears of a call first, and of its arguments in pieces of their own.
        if (_parts.Count == 0 || _parts[^1].Kind != kind || _parts[^1].Call != call
            || _parts[^1].StartsCall)
        {
            _parts.Add(new Part(kind, _length, call, StartsCall: false));
        }

        if (_length + text.Length > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + text.Length));
        }

        text.CopyTo(_bytes.AsSpan(_length));
        _length += text.Length;
    }

    private readonly record struct Part(PieceKind Kind, int Begin, ToolCall? Call, bool StartsCall);
}
