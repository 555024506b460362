// Stacks that share their lower parts: a stack is the index of its top frame, equal stacks have
// equal indices. Index 0 is the empty stack.

namespace NanoFlow.Grammar.Machine;

internal sealed class StackTable
{
    public const int Empty = 0;

    private readonly Dictionary<Frame, int> _indices = [];
    private readonly List<(Frame Frame, int Depth)> _frames = [(default, 0)];

    public int Count => _frames.Count;

    public Frame this[int stack] => _frames[stack].Frame;

    public int Depth(int stack) => _frames[stack].Depth;

    public int Push(Frame frame)
    {
        if (!_indices.TryGetValue(frame, out var stack))
        {
            stack = _frames.Count;
            _frames.Add((frame, Depth(frame.Parent) + 1));
            _indices.Add(frame, stack);
        }
        return stack;
    }

    public void Clear()
    {
        _indices.Clear();
        _frames.RemoveRange(1, _frames.Count - 1);
    }
}

/// <param name="Parent">The stack below.</param>
/// <param name="Caller">The Call or Loop instruction.</param>
/// <param name="Count">Times a loop's body has been read.</param>
internal readonly record struct Frame(int Parent, int Caller, int Count);

/// <summary>A way of reading the text so far: the instruction that is next, always a Range or the
/// End of the text, and the stack.</summary>
internal readonly record struct Reading(int At, int Stack);
