// Programs are written from their end to their start: every method takes what comes next and
// returns where to enter. Only rules and loops are entered before they are written.

using System.Diagnostics;
using System.Text;

namespace NanoFlow.Grammar.Machine;

internal sealed class ProgramBuilder
{
    public const int NoLimit = int.MaxValue;

    private readonly List<Instruction> _code = [];
    private readonly List<int> _rules = [];
    private readonly List<Repeat> _repeats = [];
    private readonly long _started = Stopwatch.GetTimestamp();

    /// <summary>The last instruction of every rule.</summary>
    public int End => 0;

    public int Fail => 1;

    public ProgramBuilder()
    {
        Add(new Instruction(Op.End, 0));
        Add(new Instruction(Op.Fail, 0));
    }

    public int Range(int low, int high, int next) =>
        Add(new Instruction(Op.Range, next, low, high));

    public int Split(int first, int second) =>
        first == second || second == Fail ? first
        : first == Fail ? second
        : Add(new Instruction(Op.Split, first, second));

    public int Call(int rule, int next) => Add(new Instruction(Op.Call, next, rule));

    public int Bytes(ReadOnlySpan<byte> bytes, int next)
    {
        for (var i = bytes.Length - 1; i >= 0; i--)
        {
            next = Range(bytes[i], bytes[i], next);
        }
        return next;
    }

    public int Text(string text, int next) => Bytes(Encoding.UTF8.GetBytes(text), next);

    /// <summary>One character of the set.</summary>
    public int Characters(CodePoints set, int next)
    {
        var entry = Fail;
        foreach (var (low, high) in set.Ranges)
        {
            foreach (var sequence in Utf8Ranges.Of(low, high))
            {
                var at = next;
                for (var i = sequence.Length - 1; i >= 0; i--)
                {
                    at = Range(sequence[i].Low, sequence[i].High, at);
                }
                entry = Split(entry, at);
            }
        }
        return entry;
    }

    /// <summary>A rule that is written later, so that it can be called before.</summary>
    public int DeclareRule()
    {
        _rules.Add(Fail);
        return _rules.Count - 1;
    }

    public void DefineRule(int rule, int entry) => _rules[rule] = entry;

    /// <summary>Any number of times, without counting.</summary>
    /// <param name="body">Writes the body; given where it goes on.</param>
    /// <param name="next">What comes after.</param>
    public int Star(Func<int, int> body, int next)
    {
        var loop = Add(new Instruction(Op.Split, next, Fail));
        var entry = body(loop);
        _code[loop] = new Instruction(Op.Split, entry, next);
        return loop;
    }

    /// <summary>Any text that ends with the mark and holds it nowhere before. The first character
    /// of the mark, an ASCII one, must not stand in it again: after a part of the mark only that
    /// character begins it anew.</summary>
    public int Until(string mark, int next)
    {
        var first = CodePoints.Of(mark[0]);
        var start = Add(new Instruction(Op.Fail, 0));
        var begun = Add(new Instruction(Op.Fail, 0));
        var at = next;
        for (var i = mark.Length - 1; i > 0; i--)
        {
            var expected = CodePoints.Of(mark[i]);
            var other = Characters(first.Union(expected).Complement(), start);
            var entry = Split(Characters(expected, at), Split(other, Characters(first, begun)));
            at = entry;
        }
        _code[begun] = new Instruction(Op.Split, at, Fail);
        var elsewhere = Characters(first.Complement(), start);
        _code[start] = new Instruction(Op.Split, Characters(first, begun), elsewhere);
        return start;
    }

    /// <summary>So many times, counted on the stack. The body must not be empty.</summary>
    public int Counted(int minimum, int maximum, Func<int, int> body, int next)
    {
        if (maximum == 0)
        {
            return next;
        }
        if (maximum == NoLimit && minimum == 0)
        {
            return Star(body, next);
        }
        if (maximum == 1)
        {
            var once = body(next);
            return minimum == 1 ? once : Split(once, next);
        }
        _repeats.Add(new Repeat(minimum, maximum, body(End)));
        return Add(new Instruction(Op.Loop, next, _repeats.Count - 1));
    }

    /// <exception cref="GrammarException">Nothing satisfies it, or a rule calls itself before it
    /// reads anything.</exception>
    public GrammarProgram Build(int start)
    {
        var code = _code.ToArray();
        var heights = ProgramChecks.Heights(code, _rules, _repeats);
        if (heights[start] > GrammarLimits.StackDepth)
        {
            throw new GrammarException(heights[start] >= GrammarProgram.Unreachable
                ? "no finite answer satisfies it"
                : $"every answer nests deeper than {GrammarLimits.StackDepth} levels");
        }
        ProgramChecks.RefuseLeftRecursion(code, _rules, _repeats);
        return new GrammarProgram(code, [.. _rules], [.. _repeats], start, heights);
    }

    private int Add(Instruction instruction)
    {
        if (_code.Count == GrammarLimits.Instructions)
        {
            throw new GrammarException(
                $"it takes more than {GrammarLimits.Instructions} instructions");
        }
        if ((_code.Count & 1023) == 0)
        {
            CheckTime();
        }
        _code.Add(instruction);
        return _code.Count - 1;
    }

    public void CheckTime()
    {
        if (Stopwatch.GetElapsedTime(_started) > GrammarLimits.CompileTime)
        {
            throw new GrammarException(
                $"it takes longer than {GrammarLimits.CompileTime.TotalSeconds} s to compile");
        }
    }
}
