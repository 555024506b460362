// The text of one segment while pre-tokenizers cut it: a buffer of characters and the list of
// pieces, each a range of it. A pre-tokenizer reads all pieces in order and keeps new ones; it may
// also write a new text. Empty pieces vanish. Everything is reused from segment to segment.

namespace NanoFlow.Tokenization.Pipeline;

internal sealed class Pieces
{
    private char[] _text = new char[256];
    private char[] _newText = [];
    private int _length;
    private int _newLength;
    private List<(int Start, int End)> _pieces = [];
    private List<(int Start, int End)> _kept = [];

    public int Count => _pieces.Count;

    public int Capacity => _text.Length;

    public int Start(int piece) => _pieces[piece].Start;

    public int End(int piece) => _pieces[piece].End;

    public ReadOnlySpan<char> this[int piece] =>
        _text.AsSpan(_pieces[piece].Start, _pieces[piece].End - _pieces[piece].Start);

    // Whether the segment begins where the whole text begins.
    public bool IsTextStart { get; private set; }

    // One piece: the whole segment.
    public void Reset(ReadOnlySpan<char> text, bool isTextStart)
    {
        IsTextStart = isTextStart;
        if (_text.Length < text.Length)
        {
            _text = new char[text.Length];
        }
        text.CopyTo(_text);
        _length = text.Length;
        _pieces.Clear();
        if (_length > 0)
        {
            _pieces.Add((0, _length));
        }
    }

    public void Keep(int start, int end)
    {
        if (start < end)
        {
            _kept.Add((start, end));
        }
    }

    // The kept pieces become the pieces.
    public void Commit()
    {
        (_pieces, _kept) = (_kept, _pieces);
        _kept.Clear();
    }

    // Appends to the text that replaces the current one; between BeginText and CommitText.
    public void Write(char c)
    {
        if (_newLength == _newText.Length)
        {
            Array.Resize(ref _newText, Math.Max(256, _newText.Length * 2));
        }
        _newText[_newLength++] = c;
    }

    public void Write(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            Write(c);
        }
    }

    // Ends a piece of the new text that began at start.
    public void KeepWritten(int start) => Keep(start, _newLength);

    public int Written => _newLength;

    public void CommitText()
    {
        (_text, _newText) = (_newText, _text);
        _length = _newLength;
        _newLength = 0;
        Commit();
    }
}
