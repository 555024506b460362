// Splits thoughts from the answer. Thoughts come first or not at all: after white space, the
// opening mark, unless the prompt ends with one; they last until the closing mark, or to the end of
// the text when there is none. What follows goes on to the next parser, whatever it looks like.

using System.Text;
using NanoFlow.Tokenization;

namespace NanoFlow.Server.Generating;

internal sealed class ReasoningParser(bool isOpen, IAnswerParser answer) : IAnswerParser
{
    // Models put a line end before the mark, if anything. More means that no mark will come.
    private const int MostSpaces = 64;

    private static readonly byte[] Begin = Encoding.UTF8.GetBytes(ReasoningMarkers.Begin);
    private static readonly byte[] End = Encoding.UTF8.GetBytes(ReasoningMarkers.End);
    private static readonly StopStrings Closing = new([ReasoningMarkers.End]);

    private readonly StopMatcher _matcher = new(Closing);
    private readonly List<byte> _held = [];

    // Bytes of thoughts that the matcher has seen.
    private long _position;
    private State _state = isOpen ? State.Thoughts : State.Start;

    private enum State
    {
        /// <summary>What is held back is white space and a part of the opening mark.</summary>
        Start,

        Thoughts,
        Answer,
    }

    public bool InThoughts => _state == State.Thoughts;

    public void Append(ReadOnlySpan<byte> text, AnswerPieces pieces)
    {
        var rest = _state == State.Start ? FindOpening(text) : text;
        if (_state == State.Thoughts)
        {
            rest = FindClosing(rest, pieces);
        }

        if (_state == State.Answer)
        {
            answer.Append(rest, pieces);
        }
    }

    public void Finish(AnswerPieces pieces)
    {
        if (_state == State.Start)
        {
            answer.Append(_held.ToArray(), pieces);
        }
        else if (_state == State.Thoughts)
        {
            pieces.Add(PieceKind.Reasoning, End.AsSpan(0, _matcher.HeldBackBytes));
        }

        answer.Finish(pieces);
    }

    /// <returns>What follows the decision; nothing while there is none.</returns>
    private ReadOnlySpan<byte> FindOpening(ReadOnlySpan<byte> text)
    {
        _held.AddRange(text);
        ReadOnlySpan<byte> held = _held.ToArray();
        var visible = held.TrimStart(" \t\r\n"u8);
        var isShort = visible.Length < Begin.Length && held.Length - visible.Length <= MostSpaces;
        if (isShort && Begin.AsSpan().StartsWith(visible))
        {
            return [];
        }

        _held.Clear();
        var opens = visible.StartsWith(Begin);
        _state = opens ? State.Thoughts : State.Answer;
        return opens ? visible[Begin.Length..] : held;
    }

    // What the matcher holds back is the start of the mark, so it need not be kept.
    private ReadOnlySpan<byte> FindClosing(ReadOnlySpan<byte> text, AnswerPieces pieces)
    {
        var heldBefore = _matcher.HeldBackBytes;
        var offset = _position - heldBefore;
        var closes = _matcher.Append(text);
        var end = closes ? _matcher.MatchStart : _position + text.Length - _matcher.HeldBackBytes;
        var ready = (int)(end - offset);
        pieces.Add(PieceKind.Reasoning, End.AsSpan(0, Math.Min(heldBefore, ready)));
        if (ready > heldBefore)
        {
            pieces.Add(PieceKind.Reasoning, text[..(ready - heldBefore)]);
        }

        if (!closes)
        {
            _position += text.Length;
            return [];
        }

        _state = State.Answer;
        return text[(int)(_matcher.MatchEnd - _position)..];
    }
}
