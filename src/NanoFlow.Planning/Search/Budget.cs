namespace NanoFlow.Planning.Search;

/// <summary>What is left of a search's limits.</summary>
internal sealed class Budget(SearchLimits limits)
{
    // A node takes microseconds, so the clock is late by less than a millisecond.
    private const long NodesPerLook = 64;

    private readonly long _begin = limits.Clock.GetTimestamp();
    private bool _isOut;

    public long Nodes { get; private set; }

    /// <summary>Counts a node; false if there is nothing left for it.</summary>
    public bool Take()
    {
        if (Nodes % NodesPerLook == 0)
        {
            _isOut |= limits.Cancellation.IsCancellationRequested
                || limits.Clock.GetElapsedTime(_begin) >= limits.Time;
        }
        _isOut |= Nodes >= limits.Nodes;
        Nodes += _isOut ? 0 : 1;
        return !_isOut;
    }
}
