// The sequences that wait, in order of arrival. The links are in the sequences, so that any of them
// can leave in constant time (a client that gives up) and nothing is allocated.

namespace NanoFlow.Scheduling;

internal sealed class SequenceQueue
{
    private Sequence? _tail;

    public Sequence? Head { get; private set; }

    public int Count { get; private set; }

    public void PushBack(Sequence sequence)
    {
        sequence.Previous = _tail;
        sequence.Next = null;
        if (_tail is null)
        {
            Head = sequence;
        }
        else
        {
            _tail.Next = sequence;
        }
        _tail = sequence;
        Count++;
    }

    public void PushFront(Sequence sequence)
    {
        sequence.Previous = null;
        sequence.Next = Head;
        if (Head is null)
        {
            _tail = sequence;
        }
        else
        {
            Head.Previous = sequence;
        }
        Head = sequence;
        Count++;
    }

    public void Remove(Sequence sequence)
    {
        if (sequence.Previous is { } previous)
        {
            previous.Next = sequence.Next;
        }
        else
        {
            Head = sequence.Next;
        }
        if (sequence.Next is { } next)
        {
            next.Previous = sequence.Previous;
        }
        else
        {
            _tail = sequence.Previous;
        }
        sequence.Previous = null;
        sequence.Next = null;
        Count--;
    }
}
