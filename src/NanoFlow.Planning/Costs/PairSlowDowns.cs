namespace NanoFlow.Planning;

/// <summary>How many times longer an op took at these sizes.</summary>
internal readonly record struct PairPoint(
    int Rows, int Units, int OtherRows, int OtherUnits, double SlowDown);

/// <summary>Measured slow-downs of one op beside one other: for each pair of units a surface over
/// the logarithms of both numbers of rows.</summary>
internal sealed class PairSlowDowns
{
    private readonly (int Own, int Other)[] _units;
    private readonly Surface[] _surfaces;

    public PairSlowDowns(IEnumerable<PairPoint> points)
    {
        var byUnits = points
            .GroupBy(point => (point.Units, point.OtherUnits))
            .OrderBy(group => group.Key)
            .ToArray();
        _units = [.. byUnits.Select(group => group.Key)];
        _surfaces = [.. byUnits.Select(group => new Surface(
            group.Select(point => new SurfacePoint(
                Math.Log(point.Rows), Math.Log(point.OtherRows), point.SlowDown)),
            Beyond.Stays))];
    }

    public double At(in Launch launch, in Launch other) =>
        _surfaces[Nearest(launch.Units, other.Units)]
            .At(Math.Log(launch.Work.Rows), Math.Log(other.Work.Rows));

    private int Nearest(int own, int other)
    {
        var nearest = 0;
        var least = int.MaxValue;
        for (var i = 0; i < _units.Length; i++)
        {
            var distance = Math.Abs(_units[i].Own - own) + Math.Abs(_units[i].Other - other);
            if (distance < least)
            {
                (nearest, least) = (i, distance);
            }
        }
        return nearest;
    }
}
