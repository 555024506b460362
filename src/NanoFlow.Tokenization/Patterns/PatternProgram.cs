// A pattern as a flat program for the backtracking matcher. A repeat of one set is a single loop
// instruction with a single backtrack frame, and a branch carries the set of code points it can
// begin with, so on the patterns of published tokenizers the matcher does almost no useless work.

namespace NanoFlow.Tokenization.Patterns;

internal enum PatternOp
{
    // A: code point.
    Literal,

    // A: set.
    Set,

    // Greedy loop over a set, A: set, B: minimum, C: maximum. The next three differ only in kind.
    LoopGreedy,
    LoopLazy,
    LoopPossessive,

    // Try the next instruction first, A when that fails. B: set the next one can begin with, or -1.
    Branch,

    // A: target.
    Jump,

    // The body is the next instruction up to its Accept; A: where to go on.
    LookAhead,
    NotAhead,
    Atomic,

    TextStart,
    TextEnd,
    LastLineEnd,
    LineStart,
    LineEnd,
    WordBoundary,
    NotWordBoundary,
    Accept,
}

internal readonly record struct PatternInstruction(PatternOp Op, int A = 0, int B = 0, int C = 0);

internal sealed record PatternProgram(
    PatternInstruction[] Code, CodePointSet[] Sets, CodePointSet? First);
