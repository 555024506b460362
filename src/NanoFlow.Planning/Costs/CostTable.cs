// Costs as calibration measured them. Between the measured sizes time is linear in rows and in
// context; between numbers of units it is speed that is linear. Slow-downs of pairs are those of
// the nearest units, between sizes linear in their logarithms.
//
// The search asks millions of times: everything is found by index, and nothing is allocated.

namespace NanoFlow.Planning;

public sealed class CostTable : ICostModel
{
    // [segment][op]
    private readonly OpTimes[][] _times;

    // [op * ops of the layer + other]; null: never measured together.
    private readonly PairSlowDowns?[] _pairs;
    private readonly int _layerOps;

    /// <param name="unitChoices">Ascending; the last is unitCount.</param>
    /// <param name="ops">At least one for each op of the graph.</param>
    /// <exception cref="ArgumentException">The entries do not fit the graph or each
    /// other.</exception>
    public CostTable(
        GraphFacts graph,
        int unitCount,
        IReadOnlyList<int> unitChoices,
        double handoffMicroseconds,
        IReadOnlyList<OpCost> ops,
        IReadOnlyList<PairCost> pairs)
    {
        CheckUnits(unitCount, unitChoices);
        Graph = graph;
        UnitCount = unitCount;
        UnitChoices = unitChoices;
        HandoffMicroseconds = handoffMicroseconds;
        Ops = ops;
        Pairs = pairs;
        var byOp = ops.ToLookup(cost => (cost.Segment, cost.Op));
        _times = [.. Enum.GetValues<Segment>().Select(segment => graph.In(segment)
            .OrderBy(op => op.Index)
            .Select(op => new OpTimes(op, byOp[(segment, op.Index)]))
            .ToArray())];
        _layerOps = _times[(int)Segment.Layer].Length;
        _pairs = FillPairs(pairs);
    }

    public GraphFacts Graph { get; }

    public int UnitCount { get; }

    public IReadOnlyList<int> UnitChoices { get; }

    /// <summary>A fact of the device that was measured.</summary>
    public bool MayExceedUnits { get; init; }

    public double HandoffMicroseconds { get; }

    /// <summary>As they were measured.</summary>
    public IReadOnlyList<OpCost> Ops { get; }

    public IReadOnlyList<PairCost> Pairs { get; }

    public double Time(in Launch launch) => launch.Work.Rows <= 0
        ? 0
        : _times[(int)launch.Op.Segment][launch.Op.Index].At(launch.Work, launch.Units);

    public double SlowDown(in Launch launch, in Launch other)
    {
        if (launch.Op.Segment != Segment.Layer
            || other.Op.Segment != Segment.Layer
            || launch.Work.Rows <= 0
            || other.Work.Rows <= 0)
        {
            return 1;
        }
        var pair = _pairs[launch.Op.Index * _layerOps + other.Op.Index];
        return pair is null ? 1 : Math.Max(1, pair.At(launch, other));
    }

    /// <summary>How much two measurements of the same launches differ: the median of the
    /// differences, as shares of the mean of both; NaN when no launch is in both.</summary>
    public double MedianRelativeDifference(CostTable other)
    {
        var times = other.Ops.ToDictionary(Key, cost => cost.Microseconds);
        var differences = new List<double>();
        foreach (var cost in Ops)
        {
            if (times.TryGetValue(Key(cost), out var time))
            {
                var mean = (cost.Microseconds + time) / 2;
                differences.Add(Math.Abs(cost.Microseconds - time) / mean);
            }
        }
        differences.Sort();
        var middle = differences.Count / 2;
        return differences.Count switch
        {
            0 => double.NaN,
            var count when count % 2 == 0 => (differences[middle - 1] + differences[middle]) / 2,
            _ => differences[middle],
        };

        static OpCost Key(OpCost cost) => cost with { Microseconds = 0 };
    }

    private static void CheckUnits(int unitCount, IReadOnlyList<int> choices)
    {
        for (var i = 0; i < choices.Count; i++)
        {
            if (choices[i] <= (i == 0 ? 0 : choices[i - 1]))
            {
                throw new ArgumentException($"choice {i} of units, {choices[i]}, is not ascending");
            }
        }
        if (choices.Count == 0 || choices[^1] != unitCount)
        {
            throw new ArgumentException(
                $"the last choice of units is not {unitCount}, all there are");
        }
    }

    private PairSlowDowns?[] FillPairs(IReadOnlyList<PairCost> pairs)
    {
        var points = new Dictionary<int, List<PairPoint>>();
        foreach (var pair in pairs)
        {
            Add(pair.OpA, pair.OpB, new PairPoint(
                pair.RowsA, pair.UnitsA, pair.RowsB, pair.UnitsB, pair.SlowDownA));
            Add(pair.OpB, pair.OpA, new PairPoint(
                pair.RowsB, pair.UnitsB, pair.RowsA, pair.UnitsA, pair.SlowDownB));
        }
        var filled = new PairSlowDowns?[_layerOps * _layerOps];
        foreach (var (index, list) in points)
        {
            filled[index] = new PairSlowDowns(list);
        }
        return filled;

        void Add(int op, int other, PairPoint point)
        {
            if ((uint)op >= _layerOps || (uint)other >= _layerOps)
            {
                throw new ArgumentException(
                    $"a pair of ops {op} and {other}: the layer has {_layerOps} ops");
            }
            var index = op * _layerOps + other;
            if (!points.TryGetValue(index, out var list))
            {
                points[index] = list = [];
            }
            list.Add(point);
        }
    }
}
