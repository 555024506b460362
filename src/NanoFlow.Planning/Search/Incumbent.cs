namespace NanoFlow.Planning.Search;

/// <summary>The best lanes and orders so far.</summary>
internal sealed class Incumbent(CyclicProblem problem)
{
    private readonly CyclePeriod _period = new(problem);

    public int[][] Order { get; private set; } = [];

    public Period Period { get; private set; } = new(long.MaxValue, 1);

    /// <param name="floor">No solution is below it.</param>
    public void Offer(int[][] order, Period floor)
    {
        if (_period.Of(order, floor, Period) is { } period && period < Period)
        {
            (Order, Period) = (order, period);
        }
    }

    public int[] Lanes()
    {
        var lanes = new int[problem.Count];
        for (var lane = 0; lane < Order.Length; lane++)
        {
            foreach (var i in Order[lane])
            {
                lanes[i] = lane;
            }
        }
        return lanes;
    }
}
