// What calibration measures: the rows of a cost table.

namespace NanoFlow.Planning;

/// <summary>A launch alone on the device.</summary>
/// <param name="Op">Index in the segment.</param>
/// <param name="Context">Tokens that a row attends; 0 for ops whose time does not depend on
/// it.</param>
/// <param name="Microseconds">The median.</param>
public readonly record struct OpCost(
    Segment Segment, int Op, int Rows, double Context, int Units, double Microseconds);

/// <summary>Two ops of the layer at the same time, on units of their own.</summary>
/// <param name="SlowDownA">How many times longer A takes than alone on the same units.</param>
public readonly record struct PairCost(
    int OpA,
    int RowsA,
    int UnitsA,
    int OpB,
    int RowsB,
    int UnitsB,
    double SlowDownA,
    double SlowDownB);
