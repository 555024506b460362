namespace NanoFlow.Planning.Search;

/// <summary>When a search ends without a proof.</summary>
/// <param name="Nodes">Nodes of the search tree and steps of the local search. A search that ends
/// by them, or by a proof, has the same result each time.</param>
/// <param name="Time">By <paramref name="Clock"/>; looked at every few dozen nodes.</param>
public sealed record SearchLimits(
    long Nodes, TimeSpan Time, TimeProvider Clock, CancellationToken Cancellation = default)
{
    public static SearchLimits OfNodes(long nodes) =>
        new(nodes, TimeSpan.MaxValue, TimeProvider.System);

    public static SearchLimits OfTime(TimeSpan time, TimeProvider clock) =>
        new(long.MaxValue, time, clock);
}
