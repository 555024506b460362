// The scratch memory and the loop that runs a pattern's program over UTF-16 text, one code point at
// a time (the text must be well formed). Backtracking is a stack of frames, not recursion; only the
// bodies of look-aheads and atomic groups recurse, as deep as the pattern nests them. Every step
// counts against a budget that grows with the text, so a runaway pattern fails instead of hanging.

namespace NanoFlow.Tokenization.Patterns;

public sealed class PatternMatcher
{
    // Resume at Pc; a loop frame may still give back code points down to Floor.
    private record struct Frame(int Pc, int Position, int Floor);

    private const int NotALoop = int.MaxValue;

    // A stack that one odd text made larger than this is not kept for the next.
    private const int RetainedFrames = 64 * 1024;

    private Frame[] _frames = new Frame[64];
    private int _frameCount;
    private long _stepsLeft;

    // Call once for each text; TryMatch then spends from one common budget.
    public void Begin(int textLength)
    {
        _stepsLeft = PatternLimits.BaseSteps + textLength * PatternLimits.StepsPerCharacter;
        if (_frames.Length > RetainedFrames)
        {
            _frames = new Frame[64];
        }
    }

    // The leftmost match at or after position from; -1 in Start when there is none.
    internal (int Start, int End) Find(PatternProgram program, ReadOnlySpan<char> text, int from)
    {
        var at = from;
        while (at <= text.Length)
        {
            if (program.First is null || (at < text.Length
                && program.First.Contains(CodePointAt(text, at, out _))))
            {
                _frameCount = 0;
                var end = Run(program, text, 0, at);
                if (end >= 0)
                {
                    return (at, end);
                }
            }
            Spend(program, 1);
            at += at < text.Length && char.IsHighSurrogate(text[at]) ? 2 : 1;
        }
        return (-1, -1);
    }

    internal static int CodePointAt(ReadOnlySpan<char> text, int at, out int length)
    {
        var c = text[at];
        if (!char.IsHighSurrogate(c) || at + 1 == text.Length)
        {
            length = 1;
            return c;
        }
        length = 2;
        return char.ConvertToUtf32(c, text[at + 1]);
    }

    // The end of a match that begins at position and program counter pc, or -1.
    private int Run(PatternProgram program, ReadOnlySpan<char> text, int pc, int position)
    {
        var bottom = _frameCount;
        while (true)
        {
            Spend(program, 1);
            ref readonly var instruction = ref program.Code[pc];
            var matched = true;
            switch (instruction.Op)
            {
                case PatternOp.Literal:
                    matched = position < text.Length
                        && CodePointAt(text, position, out var literalLength) == instruction.A
                        && Advance(ref position, literalLength);
                    pc++;
                    break;
                case PatternOp.Set:
                    matched = position < text.Length
                        && program.Sets[instruction.A].Contains(
                            CodePointAt(text, position, out var setLength))
                        && Advance(ref position, setLength);
                    pc++;
                    break;
                case PatternOp.LoopGreedy or PatternOp.LoopLazy or PatternOp.LoopPossessive:
                    matched = Loop(program, text, pc, ref position);
                    pc++;
                    break;
                case PatternOp.Branch:
                    if (CanBegin(program, text, position, instruction.B))
                    {
                        Push(new Frame(instruction.A, position, NotALoop));
                        pc++;
                    }
                    else
                    {
                        pc = instruction.A;
                    }
                    break;
                case PatternOp.Jump:
                    pc = instruction.A;
                    break;
                case PatternOp.LookAhead or PatternOp.NotAhead:
                    var found = Run(program, text, pc + 1, position) >= 0;
                    matched = found == (instruction.Op == PatternOp.LookAhead);
                    pc = instruction.A;
                    break;
                case PatternOp.Atomic:
                    var end = Run(program, text, pc + 1, position);
                    matched = end >= 0;
                    position = matched ? end : position;
                    pc = instruction.A;
                    break;
                case PatternOp.Accept:
                    _frameCount = bottom;
                    return position;
                default:
                    matched = Anchors.Holds(instruction.Op, text, position);
                    pc++;
                    break;
            }
            if (!matched && !Backtrack(program, text, bottom, ref pc, ref position))
            {
                return -1;
            }
        }
    }

    private static bool Advance(ref int position, int length)
    {
        position += length;
        return true;
    }

    private bool Loop(
        PatternProgram program, ReadOnlySpan<char> text, int pc, ref int position)
    {
        ref readonly var instruction = ref program.Code[pc];
        var lazy = instruction.Op == PatternOp.LoopLazy;
        var wanted = lazy ? instruction.B : instruction.C;
        var count = 0;
        var start = position;
        var floor = instruction.B == 0 ? start : -1;
        var set = program.Sets[instruction.A];
        while (count < wanted && position < text.Length
            && set.Contains(CodePointAt(text, position, out var length)))
        {
            position += length;
            if (++count == instruction.B)
            {
                floor = position;
            }
        }
        Spend(program, count);
        if (count < instruction.B)
        {
            return false;
        }
        if (lazy && instruction.C > count)
        {
            // Floor below zero marks a lazy loop: ~(code points it may still take).
            Push(new Frame(pc, position, ~Math.Min(instruction.C - count, int.MaxValue - 1)));
        }
        else if (instruction.Op == PatternOp.LoopGreedy && position > floor)
        {
            Push(new Frame(pc + 1, position, floor));
        }
        return true;
    }

    private bool Backtrack(
        PatternProgram program,
        ReadOnlySpan<char> text,
        int bottom,
        ref int pc,
        ref int position)
    {
        while (_frameCount > bottom)
        {
            ref var frame = ref _frames[_frameCount - 1];
            pc = frame.Pc;
            position = frame.Position;
            if (frame.Floor == NotALoop)
            {
                _frameCount--;
                return true;
            }
            if (frame.Floor >= 0)
            {
                position -= char.IsLowSurrogate(text[position - 1]) ? 2 : 1;
                frame.Position = position;
                _frameCount -= position > frame.Floor ? 0 : 1;
                return true;
            }
            _frameCount--;
            if (TakeOneMore(program, text, ref pc, ref position, ~frame.Floor))
            {
                return true;
            }
        }
        return false;
    }

    // A lazy loop that has to go on: one more code point, and a frame for the rest.
    private bool TakeOneMore(
        PatternProgram program, ReadOnlySpan<char> text, ref int pc, ref int position, int left)
    {
        var set = program.Sets[program.Code[pc].A];
        if (position == text.Length
            || !set.Contains(CodePointAt(text, position, out var length)))
        {
            return false;
        }
        Spend(program, 1);
        position += length;
        if (left > 1)
        {
            Push(new Frame(pc, position, ~(left - 1)));
        }
        pc++;
        return true;
    }

    private static bool CanBegin(
        PatternProgram program, ReadOnlySpan<char> text, int position, int set) =>
        set < 0 || (position < text.Length
            && program.Sets[set].Contains(CodePointAt(text, position, out _)));

    private void Push(Frame frame)
    {
        if (_frameCount == _frames.Length)
        {
            Array.Resize(ref _frames, _frames.Length * 2);
        }
        _frames[_frameCount++] = frame;
    }

    private void Spend(PatternProgram program, int steps)
    {
        _stepsLeft -= steps;
        if (_stepsLeft < 0)
        {
            throw new PatternLimitException(
                $"a pattern of {program.Code.Length} instructions took too many steps on a text");
        }
    }
}
