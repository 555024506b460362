// The deterministic automaton of a program, found state by state as text asks for it. A state is
// the set of all readings of the text so far. States found are kept until they take too much
// memory; then all are forgotten but the one in use, and who held another one feeds its text again
// (Generation tells).
//
// One thread at a time: the request's while it is compiled and tried, then the engine's.

namespace NanoFlow.Grammar.Machine;

internal sealed class Automaton
{
    public const int Dead = 0;

    private const int NotFound = -1;

    private readonly GrammarProgram _program;
    private readonly ByteClasses _classes;
    private readonly StackTable _stacks = new();
    private readonly Closure _closure;
    private readonly Dictionary<StateKey, int> _known = [];
    private readonly List<State> _states = [];
    private long _bytes;

    public Automaton(GrammarProgram program)
    {
        _program = program;
        _classes = new ByteClasses(program);
        _closure = new Closure(program, _stacks);
        AddState([]);
        Start = FindStart();
    }

    public int Start { get; private set; }

    /// <summary>Rises when states were forgotten.</summary>
    public int Generation { get; private set; }

    /// <summary>Work of closures since the caller set it to zero.</summary>
    public long Work
    {
        get => _closure.Work;
        set => _closure.Work = value;
    }

    /// <summary>About what it holds.</summary>
    public long Bytes => Volatile.Read(ref _bytes) + _program.Bytes;

    public bool IsFull => _bytes + FrameBytes * _stacks.Count > GrammarLimits.AutomatonBytes;

    // A frame in a list and a dictionary.
    private const int FrameBytes = 48;

    /// <summary>The text may end here.</summary>
    public bool MayEnd(int state) => _states[state].MayEnd;

    /// <summary>The state after one more byte; Dead when the byte cannot follow.</summary>
    public int Next(int state, byte value)
    {
        var column = _classes[value];
        var next = _states[state].Next[column];
        return next != NotFound ? next : Find(state, column);
    }

    /// <summary>Like Next, but only what is known: null asks for work.</summary>
    public int? Known(int state, byte value)
    {
        var next = _states[state].Next[_classes[value]];
        return next == NotFound ? null : next;
    }

    /// <summary>Forgets all states but this one; returns its new number.</summary>
    public int Forget(int state)
    {
        var readings = _states[state].Readings;
        var stacks = Array.ConvertAll(readings, reading => Unwind(reading.Stack));
        _known.Clear();
        _states.Clear();
        _stacks.Clear();
        _bytes = 0;
        Generation++;
        AddState([]);
        Start = FindStart();
        for (var i = 0; i < readings.Length; i++)
        {
            readings[i] = readings[i] with { Stack = Rewind(stacks[i]) };
        }
        return Intern(readings);
    }

    private Frame[] Unwind(int stack)
    {
        var frames = new Frame[_stacks.Depth(stack)];
        for (var i = frames.Length - 1; i >= 0; i--)
        {
            frames[i] = _stacks[stack];
            stack = frames[i].Parent;
        }
        return frames;
    }

    private int Rewind(Frame[] frames)
    {
        var stack = StackTable.Empty;
        foreach (var frame in frames)
        {
            stack = _stacks.Push(frame with { Parent = stack });
        }
        return stack;
    }

    private int FindStart()
    {
        _closure.Begin();
        _closure.Add(_program.Start, StackTable.Empty);
        return Intern(_closure.Readings.ToArray());
    }

    private int Find(int state, int column)
    {
        var value = _classes.Members[column];
        _closure.Begin();
        foreach (var reading in _states[state].Readings)
        {
            var instruction = _program.Code[reading.At];
            if (instruction.Op == Op.Range && instruction.X <= value && value <= instruction.Y)
            {
                _closure.Add(instruction.Next, reading.Stack);
            }
        }
        Work += _states[state].Readings.Length;
        var next = _closure.Readings.Count == 0 ? Dead : Intern(_closure.Readings.ToArray());
        _states[state].Next[column] = next;
        return next;
    }

    private int Intern(Reading[] readings)
    {
        Array.Sort(readings, static (a, b) =>
            a.At != b.At ? a.At.CompareTo(b.At) : a.Stack.CompareTo(b.Stack));
        return _known.TryGetValue(new StateKey(readings), out var state)
            ? state
            : AddState(readings);
    }

    private int AddState(Reading[] readings)
    {
        var next = new int[_classes.Count];
        Array.Fill(next, readings.Length == 0 ? Dead : NotFound);
        var mayEnd = Array.Exists(readings, reading => _program.Code[reading.At].Op == Op.End);
        _states.Add(new State(readings, next, mayEnd));
        _known.Add(new StateKey(readings), _states.Count - 1);
        Volatile.Write(ref _bytes, _bytes + 120 + 8L * readings.Length + 4L * next.Length);
        return _states.Count - 1;
    }

    private readonly record struct State(Reading[] Readings, int[] Next, bool MayEnd);

    // The set of readings, compared by content.
    private readonly struct StateKey(Reading[] readings) : IEquatable<StateKey>
    {
        private readonly Reading[] _readings = readings;

        public bool Equals(StateKey other) => _readings.AsSpan().SequenceEqual(other._readings);

        public override bool Equals(object? obj) => obj is StateKey other && Equals(other);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            foreach (var reading in _readings)
            {
                hash.Add(reading.At);
                hash.Add(reading.Stack);
            }
            return hash.ToHashCode();
        }
    }
}
