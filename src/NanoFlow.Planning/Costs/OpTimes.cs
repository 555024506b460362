namespace NanoFlow.Planning;

/// <summary>Measured times of one op: for each number of units a surface over rows and
/// context.</summary>
internal sealed class OpTimes
{
    private readonly int[] _units;
    private readonly Surface[] _surfaces;
    private readonly bool _hasContext;

    /// <exception cref="ArgumentException">No entry, one without a time, or two for one
    /// launch.</exception>
    public OpTimes(GraphOp op, IEnumerable<OpCost> costs)
    {
        _hasContext = op.HasContext;
        var name = $"{EnumNames.Of(op.Segment)} op '{op.Name}'";
        var seen = new HashSet<(int, int, double)>();
        foreach (var cost in costs)
        {
            if (!(cost.Microseconds > 0) || cost.Rows <= 0 || cost.Units <= 0)
            {
                throw new ArgumentException(
                    $"{name} at {cost.Rows} rows on {cost.Units} units takes "
                    + $"{cost.Microseconds} us");
            }
            if (!seen.Add((cost.Units, cost.Rows, ContextOf(cost))))
            {
                throw new ArgumentException(
                    $"{name} was measured twice at {cost.Rows} rows on {cost.Units} units");
            }
        }
        var byUnits = costs.GroupBy(cost => cost.Units).OrderBy(group => group.Key).ToArray();
        if (byUnits.Length == 0)
        {
            throw new ArgumentException($"{name} was not measured");
        }
        _units = [.. byUnits.Select(group => group.Key)];
        _surfaces = [.. byUnits.Select(group => new Surface(
            group.Select(cost => new SurfacePoint(cost.Rows, ContextOf(cost), cost.Microseconds)),
            Beyond.GoesOn))];
    }

    /// <summary>On units that were not measured, speed is in proportion to units below the first
    /// measured, that of the last above it, and linear between two.</summary>
    public double At(in NanoWork work, int units)
    {
        var i = 0;
        while (i < _units.Length && _units[i] < units)
        {
            i++;
        }
        if (i == _units.Length)
        {
            return On(i - 1, work);
        }
        var above = On(i, work);
        if (_units[i] == units)
        {
            return above;
        }
        if (i == 0)
        {
            return above * _units[0] / Math.Max(1, units);
        }
        var share = (double)(units - _units[i - 1]) / (_units[i] - _units[i - 1]);
        return 1 / ((1 - share) / On(i - 1, work) + share / above);
    }

    private double On(int i, in NanoWork work) =>
        _surfaces[i].At(work.Rows, _hasContext ? work.Context : 0);

    private double ContextOf(in OpCost cost) => _hasContext ? cost.Context : 0;
}
