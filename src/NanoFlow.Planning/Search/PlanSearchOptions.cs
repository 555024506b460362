namespace NanoFlow.Planning.Search;

/// <summary>Limits of a search.</summary>
public sealed record PlanSearchOptions
{
    /// <summary>When to stop. The best plan so far is the result at any time.</summary>
    public TimeSpan Budget { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Plans that are simulated at most. With one that ends before the budget, the result
    /// depends on the seed alone.</summary>
    public long MaxEvaluations { get; init; } = long.MaxValue;

    public int Seed { get; init; } = 1;

    /// <summary>Threads of the search itself.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Lanes of a plan: one for each resource, and one to spare.</summary>
    public int MaxLanes { get; init; } = 4;

    /// <summary>With two or more, plans that overlap nothing are left out, the sequential one
    /// too; where the device has no room for so many, it is the result.</summary>
    public int LeastLanes { get; init; } = 1;

    /// <summary>Nano-ops of a layer. Each costs a launch; published plans have about 30.</summary>
    public int MaxNanoOps { get; init; } = 64;

    /// <summary>The device rounds scaled row ranges to this many rows.</summary>
    public int RowTile { get; init; } = 1;

    /// <summary>Every lane has units of its own, also where the device lets lanes share
    /// them.</summary>
    public bool IsHardSplit { get; init; }

    /// <summary>Plans that come back, the best first.</summary>
    public int Keep { get; init; } = 4;
}
