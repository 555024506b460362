namespace NanoFlow.Planning;

/// <summary>One execution of a nano-op, predicted or measured. Times are microseconds from the
/// start of the step.</summary>
/// <param name="NanoOp">Index in the plan.</param>
/// <param name="Tick">0: the prologue, 1 + l: layer l, L + 1: the epilogue.</param>
/// <param name="ArrivedMicroseconds">Its lane came to it; until Begin it waited.</param>
public readonly record struct TimelineSpan(
    int Lane,
    int NanoOp,
    int Tick,
    double ArrivedMicroseconds,
    double BeginMicroseconds,
    double EndMicroseconds);
