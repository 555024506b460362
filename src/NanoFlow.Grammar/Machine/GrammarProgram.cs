// A grammar as a program over bytes: an instruction either reads a byte, or branches without
// reading. A rule that calls another one, or itself, puts a frame on a stack, and so does a counted
// repeat, whose frame holds the count: a limit of a million costs no more than one of two.

namespace NanoFlow.Grammar.Machine;

internal enum Op : byte
{
    /// <summary>Reads a byte of [X, Y].</summary>
    Range,

    /// <summary>Goes on at Next and at X.</summary>
    Split,

    /// <summary>Runs rule X, then goes on at Next.</summary>
    Call,

    /// <summary>Runs the body of repeat X as often as it says, then goes on at Next.</summary>
    Loop,

    /// <summary>End of a rule, of a repeat's body, or of the text.</summary>
    End,

    /// <summary>Nothing follows: what leads here is not a way.</summary>
    Fail,
}

internal readonly record struct Instruction(Op Op, int Next, int X = 0, int Y = 0);

/// <summary>Maximum int.MaxValue: no limit. The body always reads at least one byte.</summary>
internal readonly record struct Repeat(int Minimum, int Maximum, int Body);

/// <param name="Code">Instructions; jumps are indices.</param>
/// <param name="Rules">Entry of each rule.</param>
/// <param name="Repeats">Counted repeats.</param>
/// <param name="Start">Where the text begins.</param>
/// <param name="Heights">Frames that are needed, at least, to get from an instruction to the end of
/// its rule; Unreachable where there is no way.</param>
internal sealed record GrammarProgram(
    Instruction[] Code, int[] Rules, Repeat[] Repeats, int Start, int[] Heights)
{
    public const int Unreachable = int.MaxValue / 2;

    public long Bytes => 16L * Code.Length + 4L * Heights.Length;
}
