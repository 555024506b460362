// Remembers the ids of short words that one thread has met. Text and ids lie in two arenas of fixed
// bound (together about 1.5 MB); when either is full everything is forgotten, which keeps the cost
// of a hit at one probe and needs no order of use.

namespace NanoFlow.Tokenization.Models;

internal sealed class WordCache
{
    // Longer words are rare and seldom repeat.
    private const int LongestWord = 64;
    private const int SlotCount = 1 << 15;
    private const int MaximumEntries = SlotCount / 2;
    private const int TextCapacity = 256 * 1024;
    private const int IdCapacity = 96 * 1024;

    private record struct Entry(int Hash, int TextStart, int TextLength, int IdStart, int IdCount);

    private readonly Entry[] _slots = new Entry[SlotCount];
    private readonly char[] _text = new char[TextCapacity];
    private readonly int[] _ids = new int[IdCapacity];
    private int _entryCount;
    private int _textUsed;
    private int _idsUsed;

    public bool TryAppend(ReadOnlySpan<char> word, List<int> ids)
    {
        if (word.Length > LongestWord)
        {
            return false;
        }
        ref readonly var entry = ref Slot(word, string.GetHashCode(word));
        if (entry.TextLength == 0)
        {
            return false;
        }
        ids.AddRange(_ids.AsSpan(entry.IdStart, entry.IdCount));
        return true;
    }

    public void Add(ReadOnlySpan<char> word, ReadOnlySpan<int> ids)
    {
        if (word.Length is 0 or > LongestWord)
        {
            return;
        }
        if (_entryCount == MaximumEntries || _textUsed + word.Length > TextCapacity
            || _idsUsed + ids.Length > IdCapacity)
        {
            Array.Clear(_slots);
            _entryCount = _textUsed = _idsUsed = 0;
        }
        var hash = string.GetHashCode(word);
        Slot(word, hash) = new Entry(hash, _textUsed, word.Length, _idsUsed, ids.Length);
        word.CopyTo(_text.AsSpan(_textUsed));
        ids.CopyTo(_ids.AsSpan(_idsUsed));
        _entryCount++;
        _textUsed += word.Length;
        _idsUsed += ids.Length;
    }

    // The entry of the word, or the free one (TextLength 0) where it would go.
    private ref Entry Slot(ReadOnlySpan<char> word, int hash)
    {
        var at = hash & (SlotCount - 1);
        while (_slots[at].TextLength != 0 && !Holds(_slots[at], word, hash))
        {
            at = (at + 1) & (SlotCount - 1);
        }
        return ref _slots[at];
    }

    private bool Holds(in Entry entry, ReadOnlySpan<char> word, int hash) => entry.Hash == hash
        && _text.AsSpan(entry.TextStart, entry.TextLength).SequenceEqual(word);
}
