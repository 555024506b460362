// Turns the syntax tree of a pattern into a program. Counted repeats of anything larger than one
// set are unrolled, within a limit; an unbounded repeat of something that can match nothing is
// refused, because it could loop without moving.

namespace NanoFlow.Tokenization.Patterns;

internal sealed class PatternCompiler
{
    private readonly List<PatternInstruction> _code = [];
    private readonly List<CodePointSet> _sets = [];
    private readonly Dictionary<CodePointSet, int> _setIndex = [];
    private readonly Dictionary<int, CodePointSet> _literalSets = [];

    public static PatternProgram Compile(PatternNode root)
    {
        var compiler = new PatternCompiler();
        compiler.Emit(root);
        compiler.Add(new PatternInstruction(PatternOp.Accept));
        var first = FirstOf(root);
        return new PatternProgram(
            [.. compiler._code],
            [.. compiler._sets],
            first is null ? null : new CodePointSet(first));
    }

    private void Emit(PatternNode node)
    {
        switch (node)
        {
            case LiteralNode literal:
                Add(new PatternInstruction(PatternOp.Literal, literal.CodePoint));
                break;
            case SetNode set:
                Add(new PatternInstruction(PatternOp.Set, IndexOf(set.Set)));
                break;
            case SequenceNode sequence:
                foreach (var item in sequence.Items)
                {
                    Emit(item);
                }
                break;
            case AlternationNode alternation:
                EmitAlternation(alternation);
                break;
            case RepeatNode repeat:
                EmitRepeat(repeat);
                break;
            case LookAheadNode look:
                EmitBody(look.Negative ? PatternOp.NotAhead : PatternOp.LookAhead, look.Body);
                break;
            case AtomicNode atomic:
                EmitBody(PatternOp.Atomic, atomic.Body);
                break;
            case AnchorNode anchor:
                Add(new PatternInstruction(anchor.Kind));
                break;
            default:
                throw new InvalidOperationException($"no code for {node.GetType().Name}");
        }
    }

    private void EmitAlternation(AlternationNode alternation)
    {
        var exits = new List<int>();
        for (var i = 0; i < alternation.Branches.Count - 1; i++)
        {
            var branch = Add(BranchTo(alternation.Branches[i]));
            Emit(alternation.Branches[i]);
            exits.Add(Add(new PatternInstruction(PatternOp.Jump)));
            PointHere(branch);
        }
        Emit(alternation.Branches[^1]);
        foreach (var exit in exits)
        {
            PointHere(exit);
        }
    }

    private void EmitBody(PatternOp op, PatternNode body)
    {
        var at = Add(new PatternInstruction(op));
        Emit(body);
        Add(new PatternInstruction(PatternOp.Accept));
        PointHere(at);
    }

    private void EmitRepeat(RepeatNode repeat)
    {
        if (SingleSet(repeat.Body) is { } set)
        {
            var op = repeat.Kind switch
            {
                RepeatKind.Greedy => PatternOp.LoopGreedy,
                RepeatKind.Lazy => PatternOp.LoopLazy,
                _ => PatternOp.LoopPossessive,
            };
            Add(new PatternInstruction(op, IndexOf(set), repeat.Minimum, repeat.Maximum));
            return;
        }
        if (repeat.Kind == RepeatKind.Possessive)
        {
            EmitBody(PatternOp.Atomic, repeat with { Kind = RepeatKind.Greedy });
            return;
        }
        for (var i = 0; i < repeat.Minimum; i++)
        {
            Emit(repeat.Body);
        }
        if (repeat.Maximum == PatternLimits.Unbounded)
        {
            EmitStar(repeat);
        }
        else
        {
            EmitOptional(repeat, repeat.Maximum - repeat.Minimum);
        }
    }

    private void EmitStar(RepeatNode repeat)
    {
        if (FirstOf(repeat.Body) is null)
        {
            throw new TokenizerFormatException(
                "pattern: an unbounded repeat of something that can match nothing");
        }
        var start = _code.Count;
        if (repeat.Kind == RepeatKind.Lazy)
        {
            var toBody = Add(new PatternInstruction(PatternOp.Branch, 0, -1));
            var exit = Add(new PatternInstruction(PatternOp.Jump));
            PointHere(toBody);
            Emit(repeat.Body);
            Add(new PatternInstruction(PatternOp.Jump, start));
            PointHere(exit);
            return;
        }
        var branch = Add(BranchTo(repeat.Body));
        Emit(repeat.Body);
        Add(new PatternInstruction(PatternOp.Jump, start));
        PointHere(branch);
    }

    private void EmitOptional(RepeatNode repeat, int copies)
    {
        var exits = new List<int>();
        for (var i = 0; i < copies; i++)
        {
            if (repeat.Kind == RepeatKind.Lazy)
            {
                var toBody = Add(new PatternInstruction(PatternOp.Branch, 0, -1));
                exits.Add(Add(new PatternInstruction(PatternOp.Jump)));
                PointHere(toBody);
            }
            else
            {
                exits.Add(Add(BranchTo(repeat.Body)));
            }
            Emit(repeat.Body);
        }
        foreach (var exit in exits)
        {
            PointHere(exit);
        }
    }

    private PatternInstruction BranchTo(PatternNode body)
    {
        var first = _sets.Count < PatternLimits.Sets ? FirstOf(body) : null;
        var set = first is null ? -1 : IndexOf(new CodePointSet(first));
        return new PatternInstruction(PatternOp.Branch, 0, set);
    }

    private CodePointSet? SingleSet(PatternNode node)
    {
        switch (node)
        {
            case SetNode set:
                return set.Set;
            case SequenceNode { Items: [var only] }:
                return SingleSet(only);
            case LiteralNode literal:
                if (!_literalSets.TryGetValue(literal.CodePoint, out var created))
                {
                    created = new CodePointSet(CodePointBits.Of(literal.CodePoint));
                    _literalSets.Add(literal.CodePoint, created);
                }
                return created;
            default:
                return null;
        }
    }

    // The code points a match of the node can begin with; null when it can match nothing at all.
    private static CodePointBits? FirstOf(PatternNode node)
    {
        var bits = new CodePointBits();
        return AddFirst(node, bits) ? bits : null;
    }

    // False when the node can match the empty string, so that what follows it counts as well.
    private static bool AddFirst(PatternNode node, CodePointBits bits)
    {
        switch (node)
        {
            case LiteralNode literal:
                bits.Add(literal.CodePoint);
                return true;
            case SetNode set:
                set.Set.AddTo(bits);
                return true;
            case SequenceNode sequence:
                return sequence.Items.Any(item => AddFirst(item, bits));
            case AlternationNode alternation:
                var consumes = true;
                foreach (var branch in alternation.Branches)
                {
                    consumes &= AddFirst(branch, bits);
                }
                return consumes;
            case RepeatNode repeat:
                return AddFirst(repeat.Body, bits) && repeat.Minimum > 0;
            case AtomicNode atomic:
                return AddFirst(atomic.Body, bits);
            default:
                return false;
        }
    }

    private int IndexOf(CodePointSet set)
    {
        if (!_setIndex.TryGetValue(set, out var index))
        {
            index = _sets.Count;
            _sets.Add(set);
            _setIndex.Add(set, index);
        }
        return index;
    }

    private int Add(PatternInstruction instruction)
    {
        if (_code.Count == PatternLimits.Instructions)
        {
            throw new TokenizerFormatException(
                $"pattern: larger than {PatternLimits.Instructions} instructions when unrolled");
        }
        _code.Add(instruction);
        return _code.Count - 1;
    }

    private void PointHere(int at) => _code[at] = _code[at] with { A = _code.Count };
}
