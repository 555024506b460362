// Turns token ids into UTF-8 text as they come. Bytes that complete a character come out at once;
// up to three bytes that may still become one are kept back; bytes that never can become one come
// out as U+FFFD, one for each byte or each maximal subpart, as the decoder has it. What a token is
// when it comes last, and spaces that a clean-up may take back, wait for the next token. So the
// pieces joined equal the decoded whole however the tokens fall. Allocates only to grow.

using System.Buffers;
using System.Text;
using NanoFlow.Tokenization.Pipeline;

namespace NanoFlow.Tokenization;

public sealed class IncrementalDetokenizer
{
    private const int LongestTail = 3;
    private const int NoToken = -1;

    private readonly Tokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly IReadOnlySet<int>? _shownTokens;
    private readonly SpaceCleanup? _cleanup;

    private byte[] _text = new byte[256];
    private int _start;
    private int _end;

    // Bytes of an unfinished character.
    private readonly byte[] _tail = new byte[LongestTail + 1];
    private int _tailLength;
    private int _spacesToDrop;

    // The token before, and how many of its bytes are out: those it begins with also at the end.
    private int _previous;
    private int _previousWritten;

    // Shown tokens are special ones that are not skipped all the same.
    public IncrementalDetokenizer(
        Tokenizer tokenizer, bool skipSpecialTokens, IReadOnlySet<int>? shownTokens = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        _tokenizer = tokenizer;
        _skipSpecialTokens = skipSpecialTokens;
        _shownTokens = shownTokens;
        _cleanup = tokenizer.CleansUpSpaces ? new SpaceCleanup() : null;
        Reset();
    }

    private static ReadOnlySpan<byte> Replacement => [0xEF, 0xBF, 0xBD];

    // Text not yet discarded: whole characters, valid UTF-8. Good until the next call.
    public ReadOnlySpan<byte> Text => _text.AsSpan(_start, _end - _start);

    // Ready for another sequence.
    public void Reset()
    {
        _start = _end = _tailLength = _previousWritten = 0;
        _previous = NoToken;
        _spacesToDrop = _tokenizer.Decoder.LeadingSpaces;
        _cleanup?.Reset();
    }

    public void Append(int tokenId)
    {
        if (_tokenizer.TokenText(tokenId) is not { } token
            || (_skipSpecialTokens && _tokenizer.IsSpecial(tokenId) && !IsShown(tokenId)))
        {
            return;
        }
        if (_tokenizer.Decoder.DropsRepeats && _tokenizer.TokenText(_previous) == token)
        {
            return;
        }
        var bytes = _previous == NoToken
            ? _tokenizer.Vocabulary.FirstBytes(tokenId)
            : _tokenizer.Vocabulary.Bytes(tokenId);
        Write(_tokenizer.TokenBytes(_previous)[_previousWritten..]);
        var certain = _tokenizer.Decoder.LastDiffers
            ? bytes.CommonPrefixLength(_tokenizer.Vocabulary.LastBytes(tokenId))
            : bytes.Length;
        WriteStripped(bytes[..certain]);
        _previous = tokenId;
        _previousWritten = _tokenizer.Decoder.LastDiffers ? certain : Length(tokenId);
    }

    // The sequence is over: an unfinished character becomes U+FFFD, and nothing more is kept back.
    public void Flush()
    {
        if (_tokenizer.Decoder.LastDiffers && _previous != NoToken)
        {
            Write(_tokenizer.Vocabulary.LastBytes(_previous)[_previousWritten..]);
            _previousWritten = Length(_previous);
        }
        Reserve(_tailLength);
        ReplaceTail();
        if (_cleanup is not null)
        {
            _end += _cleanup.Flush(_text.AsSpan(_end));
        }
    }

    // Forgets the first bytes of Text; count must end on a character.
    public void Discard(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _end - _start);
        _start += count;
    }

    private bool IsShown(int tokenId) => _shownTokens?.Contains(tokenId) == true;

    private int Length(int tokenId) => _tokenizer.TokenBytes(tokenId).Length;

    private void WriteStripped(ReadOnlySpan<byte> bytes)
    {
        while (_spacesToDrop > 0 && !bytes.IsEmpty)
        {
            _spacesToDrop = bytes[0] == ' ' ? _spacesToDrop - 1 : 0;
            bytes = bytes[0] == ' ' ? bytes[1..] : bytes;
        }
        Write(bytes);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        Reserve(_tailLength + bytes.Length);
        while (_tailLength > 0 && !bytes.IsEmpty)
        {
            _tail[_tailLength] = bytes[0];
            var joined = _tail.AsSpan(0, _tailLength + 1);
            var status = Rune.DecodeFromUtf8(joined, out _, out var used);
            if (status == OperationStatus.InvalidData && used == _tailLength)
            {
                // The new byte cannot continue the tail; it starts afresh.
                ReplaceTail();
                break;
            }
            bytes = bytes[1..];
            _tailLength++;
            if (status == OperationStatus.Done)
            {
                Emit(joined);
                _tailLength = 0;
            }
        }
        WriteFromStart(bytes);
    }

    // No tail is kept: bytes begin a character.
    private void WriteFromStart(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var status = Rune.DecodeFromUtf8(bytes, out _, out var used);
            if (status == OperationStatus.NeedMoreData)
            {
                bytes.CopyTo(_tail);
                _tailLength = bytes.Length;
                return;
            }
            if (status == OperationStatus.Done)
            {
                Emit(bytes[..used]);
            }
            else
            {
                EmitReplacements(used);
            }
            bytes = bytes[used..];
        }
    }

    private void ReplaceTail()
    {
        EmitReplacements(_tailLength);
        _tailLength = 0;
    }

    // For so many bytes that are together a maximal subpart of a character.
    private void EmitReplacements(int count)
    {
        count = _tokenizer.Decoder.ReplacesEachByte ? count : Math.Min(count, 1);
        for (; count > 0; count--)
        {
            Emit(Replacement);
        }
    }

    private void Emit(ReadOnlySpan<byte> text)
    {
        if (_cleanup is not null)
        {
            _end += _cleanup.Append(text, _text.AsSpan(_end));
            return;
        }
        text.CopyTo(_text.AsSpan(_end));
        _end += text.Length;
    }

    // Room for so many bytes, each of which grows to at most one replacement.
    private void Reserve(int bytes)
    {
        var count = bytes * Replacement.Length + SpaceCleanup.MostHeld;
        if (_end + count <= _text.Length)
        {
            return;
        }
        var kept = _end - _start;
        var target = kept + count <= _text.Length / 2
            ? _text
            : new byte[Math.Max(_text.Length * 2, kept + count)];
        _text.AsSpan(_start, kept).CopyTo(target);
        _text = target;
        _end -= _start;
        _start = 0;
    }
}
