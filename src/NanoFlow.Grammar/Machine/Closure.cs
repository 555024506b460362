// Follows a program from where it stands to the bytes that it can read next. Keeps every way once,
// and drops those that cannot come to an end within the depth of the stack. Scratch memory is kept
// between uses.

namespace NanoFlow.Grammar.Machine;

internal sealed class Closure(GrammarProgram program, StackTable stacks)
{
    private readonly HashSet<Reading> _seen = [];
    private readonly Stack<Reading> _work = [];

    /// <summary>Where it led, in the order of discovery.</summary>
    public List<Reading> Readings { get; } = [];

    /// <summary>Ways looked at since the last reset.</summary>
    public long Work { get; set; }

    public void Begin()
    {
        Readings.Clear();
        _seen.Clear();
    }

    public void Add(int at, int stack)
    {
        Push(at, stack);
        while (_work.TryPop(out var reading))
        {
            Work++;
            Follow(reading);
        }
    }

    private void Follow(Reading reading)
    {
        var instruction = program.Code[reading.At];
        switch (instruction.Op)
        {
            case Op.Range:
                Keep(reading);
                break;
            case Op.Split:
                Push(instruction.X, reading.Stack);
                Push(instruction.Next, reading.Stack);
                break;
            case Op.Call:
                var frame = new Frame(reading.Stack, reading.At, 0);
                PushInto(program.Rules[instruction.X], frame);
                break;
            case Op.Loop:
                Repeat(reading.At, reading.Stack, count: 0);
                break;
            case Op.End when reading.Stack == StackTable.Empty:
                Keep(reading);
                break;
            case Op.End:
                Return(stacks[reading.Stack]);
                break;
        }
    }

    private void Keep(Reading reading)
    {
        if (Readings.Count < GrammarLimits.Readings)
        {
            Readings.Add(reading);
        }
    }

    private void Return(Frame frame)
    {
        if (program.Code[frame.Caller].Op == Op.Call)
        {
            Push(program.Code[frame.Caller].Next, frame.Parent);
        }
        else
        {
            Repeat(frame.Caller, frame.Parent, frame.Count + 1);
        }
    }

    // Where a repeat has no upper limit, counts above the lower one are one and the same.
    private void Repeat(int loop, int stack, int count)
    {
        var repeat = program.Repeats[program.Code[loop].X];
        if (count >= repeat.Minimum)
        {
            Push(program.Code[loop].Next, stack);
        }
        if (repeat.Maximum == ProgramBuilder.NoLimit)
        {
            count = Math.Min(count, repeat.Minimum);
        }
        if (count < repeat.Maximum)
        {
            PushInto(repeat.Body, new Frame(stack, loop, count));
        }
    }

    private void PushInto(int at, Frame frame)
    {
        if (stacks.Depth(frame.Parent) + 1 + program.Heights[at] <= GrammarLimits.StackDepth)
        {
            Push(at, stacks.Push(frame));
        }
    }

    private void Push(int at, int stack)
    {
        var reading = new Reading(at, stack);
        if (stacks.Depth(stack) + program.Heights[at] <= GrammarLimits.StackDepth
            && _seen.Count < Bound
            && _seen.Add(reading))
        {
            _work.Push(reading);
        }
    }

    // Branches between the readings, with room.
    private const int Bound = 64 * GrammarLimits.Readings;
}
