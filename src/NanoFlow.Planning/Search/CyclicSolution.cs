namespace NanoFlow.Planning.Search;

/// <param name="Lane">For each nano-op.</param>
/// <param name="Order">For each lane its nano-ops in the order of a layer.</param>
/// <param name="Period">Of these lanes and orders, exactly.</param>
/// <param name="LowerBound">Proved: no lanes and orders have a lesser period.</param>
/// <param name="Nodes">As in <see cref="SearchLimits"/>: what it took.</param>
public sealed record CyclicSolution(
    IReadOnlyList<int> Lane,
    IReadOnlyList<IReadOnlyList<int>> Order,
    Period Period,
    Period LowerBound,
    long Nodes)
{
    public bool IsOptimal => Period == LowerBound;

    /// <summary>How much shorter, as a share of the period, it could be at most.</summary>
    public double Gap =>
        IsOptimal ? 0 : (Period.Nanoseconds - LowerBound.Nanoseconds) / Period.Nanoseconds;
}
