namespace NanoFlow.Planning;

/// <summary>One launch of a measured step, in microseconds from its begin.</summary>
/// <param name="NanoOp">Index in the plan.</param>
/// <param name="Tick">0: the prologue; n: layer n - 1; after the last layer the epilogue.</param>
/// <param name="ArrivedMicroseconds">When the lane came to it; until begin it waited.</param>
public readonly record struct TimelineSpan(
    int Lane,
    int NanoOp,
    int Tick,
    double ArrivedMicroseconds,
    double BeginMicroseconds,
    double EndMicroseconds);
