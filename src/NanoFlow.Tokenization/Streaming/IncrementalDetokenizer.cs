// Turns token ids into UTF-8 text as they come. Bytes that complete a character come out at once;
// up to three bytes that may still become one are kept back; bytes that never can become one come
// out as U+FFFD, one for each maximal subpart, exactly as a decode of the whole would have it. So
// the pieces joined equal the decoded whole however the tokens fall. Allocates only to grow.

using System.Buffers;
using System.Text;

namespace NanoFlow.Tokenization;

public sealed class IncrementalDetokenizer(Tokenizer tokenizer, bool skipSpecialTokens)
{
    private const int LongestTail = 3;

    private byte[] _text = new byte[256];
    private int _start;
    private int _end;

    // Bytes of an unfinished character; they follow the text in the same array.
    private int _tail;
    private int _spacesToDrop = tokenizer.LeadingSpaces;

    private static ReadOnlySpan<byte> Replacement => [0xEF, 0xBF, 0xBD];

    // Text not yet discarded: whole characters, valid UTF-8. Good until the next call.
    public ReadOnlySpan<byte> Text => _text.AsSpan(_start, _end - _start);

    // Ready for another sequence.
    public void Reset()
    {
        _start = _end = _tail = 0;
        _spacesToDrop = tokenizer.LeadingSpaces;
    }

    public void Append(int tokenId)
    {
        if (skipSpecialTokens && tokenizer.IsSpecial(tokenId))
        {
            return;
        }
        var bytes = tokenizer.TokenBytes(tokenId);
        while (_spacesToDrop > 0 && !bytes.IsEmpty)
        {
            _spacesToDrop = bytes[0] == ' ' ? _spacesToDrop - 1 : 0;
            bytes = bytes[0] == ' ' ? bytes[1..] : bytes;
        }
        Append(bytes);
    }

    // The sequence is over: an unfinished character becomes one U+FFFD.
    public void Flush()
    {
        if (_tail > 0)
        {
            Reserve(Replacement.Length);
            Replacement.CopyTo(_text.AsSpan(_end));
            _end += Replacement.Length;
            _tail = 0;
        }
    }

    // Forgets the first bytes of Text; count must end on a character.
    public void Discard(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _end - _start);
        _start += count;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        // Each byte grows to at most one replacement.
        Reserve((_tail + bytes.Length) * Replacement.Length);
        Span<byte> joined = stackalloc byte[LongestTail + 1];
        while (_tail > 0 && !bytes.IsEmpty)
        {
            _text.AsSpan(_end, _tail).CopyTo(joined);
            joined[_tail] = bytes[0];
            var status = Rune.DecodeFromUtf8(joined[..(_tail + 1)], out _, out var used);
            if (status == OperationStatus.InvalidData && used == _tail)
            {
                // The new byte cannot continue the tail; it starts afresh.
                Replacement.CopyTo(_text.AsSpan(_end));
                _end += Replacement.Length;
                _tail = 0;
                break;
            }
            _text[_end + _tail] = bytes[0];
            bytes = bytes[1..];
            _tail++;
            if (status == OperationStatus.Done)
            {
                _end += _tail;
                _tail = 0;
            }
        }
        AppendFromStart(bytes);
    }

    // No tail is kept: bytes begin a character.
    private void AppendFromStart(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var status = Rune.DecodeFromUtf8(bytes, out _, out var used);
            var isValid = status == OperationStatus.Done;
            if (status == OperationStatus.NeedMoreData)
            {
                bytes.CopyTo(_text.AsSpan(_end));
                _tail = bytes.Length;
                return;
            }
            var piece = isValid ? bytes[..used] : Replacement;
            piece.CopyTo(_text.AsSpan(_end));
            _end += piece.Length;
            bytes = bytes[used..];
        }
    }

    private void Reserve(int count)
    {
        var kept = _end - _start + _tail;
        if (_end + _tail + count <= _text.Length)
        {
            return;
        }
        var target = kept + count <= _text.Length / 2
            ? _text
            : new byte[Math.Max(_text.Length * 2, kept + count)];
        _text.AsSpan(_start, kept).CopyTo(target);
        _text = target;
        _end -= _start;
        _start = 0;
    }
}
