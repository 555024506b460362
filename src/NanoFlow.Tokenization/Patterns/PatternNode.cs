// The syntax tree of a pattern. A literal is a code point, a class is a set of them;
// case-insensitive parts have been widened by the parser, so nothing below knows about case.

namespace NanoFlow.Tokenization.Patterns;

internal abstract record PatternNode;

internal sealed record LiteralNode(int CodePoint) : PatternNode;

internal sealed record SetNode(CodePointSet Set) : PatternNode;

internal sealed record SequenceNode(IReadOnlyList<PatternNode> Items) : PatternNode;

internal sealed record AlternationNode(IReadOnlyList<PatternNode> Branches) : PatternNode;

// Maximum is PatternLimits.Unbounded for * and +.
internal sealed record RepeatNode(PatternNode Body, int Minimum, int Maximum, RepeatKind Kind)
    : PatternNode;

internal sealed record LookAheadNode(PatternNode Body, bool Negative) : PatternNode;

internal sealed record AtomicNode(PatternNode Body) : PatternNode;

internal sealed record AnchorNode(PatternOp Kind) : PatternNode;

internal enum RepeatKind
{
    Greedy,
    Lazy,
    Possessive,
}

internal static class PatternLimits
{
    public const int Unbounded = int.MaxValue;

    // Published patterns stay below 3,000 characters, 10 levels and repeats of 3.
    public const int PatternLength = 64 * 1024;
    public const int Depth = 64;
    public const int Repeat = 1000;
    public const int Instructions = 50_000;

    // A set costs up to tens of KiB; the richest known pattern has about 30.
    public const int Sets = 1000;

    // Known patterns take below 40 steps a character; anything far beyond is a runaway pattern.
    public const long BaseSteps = 100_000;
    public const long StepsPerCharacter = 400;
}
