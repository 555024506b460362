// Takes tool calls out of an answer while it comes. Text is held back only where it can still turn
// out to be the start of a call; arguments are passed on as the model writes them. What looked like
// a call and is none stays text.

using System.Text;
using NanoFlow.Server.Generating;

namespace NanoFlow.Server.Tools;

internal sealed class ToolCallParser : IAnswerParser
{
    private readonly ToolCallFormat _format;
    private readonly byte[] _opening;
    private readonly byte[][] _fillers;
    private readonly int _maxCalls;

    // What has been read and not yet decided about. Before the first call behind an opening mark it
    // starts with that mark, so that all of it can be given back as text.
    private readonly List<byte> _held = [];
    private int _headBegin; // where in it the call begins
    private State _state;
    private bool _hasCall;  // since the opening mark
    private int _calls;
    private ToolCall? _call;
    private JsonExtent _extent;

    /// <param name="format">How the model writes calls.</param>
    /// <param name="maxCalls">Further ones are dropped.</param>
    /// <param name="mustCall">The answer is calls and nothing else.</param>
    public ToolCallParser(ToolCallFormat format, int maxCalls, bool mustCall)
    {
        _format = format;
        _opening = Encoding.UTF8.GetBytes(format.Opening);
        _fillers = [.. format.Fillers.Select(Encoding.UTF8.GetBytes)];
        _maxCalls = maxCalls;
        _state = mustCall || _opening.Length == 0 ? State.Between : State.Text;
    }

    private enum State
    {
        /// <summary>Looks for the opening mark; holds white space and a part of the mark.</summary>
        Text,

        /// <summary>Before a call, or behind one.</summary>
        Between,

        /// <summary>From the brace to the arguments.</summary>
        Head,

        Arguments,

        /// <summary>From the arguments to the closing brace.</summary>
        Tail,

        /// <summary>No call can come any more.</summary>
        Plain,
    }

    public void Append(ReadOnlySpan<byte> text, AnswerPieces pieces)
    {
        while (!text.IsEmpty)
        {
            text = _state switch
            {
                State.Text => FindOpening(text, pieces),
                State.Between => FindCall(text, pieces),
                State.Head => ReadHead(text, pieces),
                State.Arguments => ReadArguments(text, pieces),
                State.Tail => FindEnd(text),
                _ => Pass(text, pieces),
            };
        }
    }

    public void Finish(AnswerPieces pieces)
    {
        var isText = _state == State.Text || _state == State.Head
            || (_state == State.Between && !_hasCall);
        if (isText)
        {
            pieces.Add(PieceKind.Text, _held.ToArray());
        }

        _held.Clear();
    }

    private static ReadOnlySpan<byte> Pass(ReadOnlySpan<byte> text, AnswerPieces pieces)
    {
        pieces.Add(PieceKind.Text, text);
        return [];
    }

    // White space right before a call belongs to neither.
    private ReadOnlySpan<byte> FindOpening(ReadOnlySpan<byte> text, AnswerPieces pieces)
    {
        byte[] all = [.. _held, .. text];
        var found = all.AsSpan().IndexOf(_opening);
        var end = found >= 0 ? found : all.Length - Ends.PartOf(all, _opening);
        var visible = all.AsSpan(0, end).TrimEnd(" \t\r\n"u8).Length;
        pieces.Add(PieceKind.Text, all.AsSpan(0, visible));
        _held.Clear();
        if (found < 0)
        {
            _held.AddRange(all.AsSpan(visible));
            return [];
        }

        var behind = found + _opening.Length;
        _held.AddRange(all.AsSpan(visible, behind - visible));
        _headBegin = _held.Count;
        _hasCall = false;
        _state = State.Between;
        return all.AsSpan(behind);
    }

    private ReadOnlySpan<byte> FindCall(ReadOnlySpan<byte> text, AnswerPieces pieces)
    {
        // A part of a filler that was held back is looked at again.
        var before = _hasCall ? 0 : _headBegin;
        byte[] all = [.. _held[before..], .. text];
        _held.RemoveRange(before, _held.Count - before);
        var at = 0;
        while (at < all.Length)
        {
            var rest = all.AsSpan(at);
            var filler = Ends.Leading(rest, _fillers);
            if (filler == 0 && !" \t\r\n"u8.Contains(rest[0]))
            {
                break;
            }

            at += Math.Max(filler, 1);
        }

        if (!_hasCall)
        {
            _held.AddRange(all.AsSpan(0, at));
        }

        _headBegin = _held.Count;
        var next = all.AsSpan(at);
        if (next.IsEmpty || Ends.IsPartOfAny(next, _fillers))
        {
            _held.AddRange(next);
            return [];
        }

        if (next[0] == '{')
        {
            _state = State.Head;
            return next;
        }

        return GiveUp(next, pieces);
    }

    private ReadOnlySpan<byte> ReadHead(ReadOnlySpan<byte> text, AnswerPieces pieces)
    {
        _held.AddRange(text);
        var all = _held.ToArray().AsSpan(_headBegin);
        var head = CallHead.Read(all);
        switch (head.State)
        {
            case HeadState.Open:
                return [];
            case HeadState.NotACall:
                _held.RemoveRange(_headBegin, _held.Count - _headBegin);
                return GiveUp(all, pieces);
        }

        _held.Clear();
        _headBegin = 0;
        _hasCall = true;
        Start(head.Name!, pieces);
        _extent = default;
        if (!head.IsClosed)
        {
            _state = State.Arguments;
            return all[head.Begin..];
        }

        AddArguments(head.Begin == 0 ? "{}"u8 : all[head.Begin..head.End], pieces);
        _state = State.Between;
        return all[head.Used..];
    }

    private ReadOnlySpan<byte> ReadArguments(ReadOnlySpan<byte> text, AnswerPieces pieces)
    {
        var length = _extent.Append(text, out var hasEnded);
        AddArguments(text[..length], pieces);
        if (hasEnded)
        {
            _state = State.Tail;
            _extent = JsonExtent.WithinObject;
        }

        return text[length..];
    }

    // Models forget the last brace; the mark behind the call then stands in its place.
    private ReadOnlySpan<byte> FindEnd(ReadOnlySpan<byte> text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var isForgotten = _extent.IsBetweenMembers
                && text[i] is (byte)'<' or (byte)';' or (byte)']';
            var hasEnded = isForgotten;
            if (!isForgotten)
            {
                _extent.Append(text.Slice(i, 1), out hasEnded);
            }

            if (hasEnded)
            {
                _state = State.Between;
                return text[(isForgotten ? i : i + 1)..];
            }
        }

        return [];
    }

    // The text from the opening mark on is no call; what follows the first character may be.
    private ReadOnlySpan<byte> GiveUp(ReadOnlySpan<byte> text, AnswerPieces pieces)
    {
        pieces.Add(PieceKind.Text, _held.ToArray());
        _held.Clear();
        _headBegin = 0;
        _state = _opening.Length == 0 ? State.Plain : State.Text;
        return text;
    }

    private void Start(string name, AnswerPieces pieces)
    {
        _call = null;
        if (_calls < _maxCalls)
        {
            var id = _format.IdPrefix + Guid.NewGuid().ToString("N")[.._format.IdChars];
            _call = new ToolCall(_calls++, id, name);
            pieces.StartCall(_call);
        }
    }

    private void AddArguments(ReadOnlySpan<byte> text, AnswerPieces pieces)
    {
        if (_call is not null)
        {
            pieces.AddArguments(_call, text);
        }
    }
}
