// Executes given lanes and orders layer by layer, every nano-op as soon as it may, and reads the
// period off: the ends of layer l are those of layers l - 1 and l - 2 times a matrix in (max, +),
// whose eigenvalue Karp's theorem gives exactly from as many layers as there are variables. Shares
// nothing with the search.

namespace NanoFlow.Planning.Tests.Search;

internal sealed class MaxPlusOracle
{
    private readonly RandomProblem _problem;
    private readonly long[] _time;
    private readonly int[] _before; // on the lane; the lane's last for its first
    private readonly bool[] _isFirst;
    private readonly int[]? _sequence;

    public MaxPlusOracle(RandomProblem problem, List<int>[] order)
    {
        _problem = problem;
        _time = new long[problem.Count];
        _before = new int[problem.Count];
        _isFirst = new bool[problem.Count];
        for (var lane = 0; lane < order.Length; lane++)
        {
            for (var k = 0; k < order[lane].Count; k++)
            {
                var i = order[lane][k];
                _time[i] = problem.Durations[i][lane]!.Value;
                _before[i] = order[lane][k > 0 ? k - 1 : ^1];
                _isFirst[i] = k == 0;
            }
        }
        _sequence = Sequence();
    }

    /// <summary>They wait for each other for ever.</summary>
    public bool IsDeadlock => _sequence is null;

    /// <summary>Sum and number of layers, not reduced.</summary>
    public (long Time, int Layers) Period()
    {
        // The variables: ends of this layer and of the one before.
        var variables = 2 * _problem.Count;
        var ends = Ends(variables);
        var best = (Time: 0L, Layers: 1);
        for (var v = 0; v < variables; v++)
        {
            var least = (Time: long.MaxValue / 1000, Layers: 1);
            for (var k = 0; k < variables; k++)
            {
                var mean = (Time: End(variables, v) - End(k, v), Layers: variables - k);
                least = IsLess(mean, least) ? mean : least;
            }
            best = IsLess(best, least) ? least : best;
        }
        return best;

        long End(int layer, int v) => v < _problem.Count
            ? ends[layer][v]
            : ends[Math.Max(layer - 1, 0)][v - _problem.Count];
    }

    /// <summary>Ends by layer and nano-op; layer 0 has ended at 0 before anything begins.</summary>
    public long[][] Ends(int layers)
    {
        var ends = new long[layers + 1][];
        ends[0] = new long[_problem.Count];
        for (var layer = 1; layer <= layers; layer++)
        {
            var (now, last) = (new long[_problem.Count], ends[layer - 1]);
            var floor = ends[Math.Max(layer - 2, 0)].Max();
            foreach (var i in _sequence!)
            {
                var start = Math.Max(floor, (_isFirst[i] ? last : now)[_before[i]]);
                foreach (var (from, to, height) in _problem.Edges)
                {
                    if (to == i)
                    {
                        start = Math.Max(start, (height == 0 ? now : last)[from]);
                    }
                }
                now[i] = start + _time[i];
            }
            ends[layer] = now;
        }
        return ends;
    }

    public static bool IsLess((long Time, int Layers) a, (long Time, int Layers) b) =>
        a.Time * b.Layers < b.Time * a.Layers;

    // One that never waits for a later one within a layer, by repeatedly taking what is ready.
    private int[]? Sequence()
    {
        var done = new bool[_problem.Count];
        var sequence = new List<int>();
        while (sequence.Count < _problem.Count)
        {
            var count = sequence.Count;
            for (var i = 0; i < _problem.Count; i++)
            {
                if (!done[i] && (_isFirst[i] || done[_before[i]])
                    && !_problem.Edges.Any(edge => edge.Height == 0 && edge.To == i
                        && !done[edge.From]))
                {
                    done[i] = true;
                    sequence.Add(i);
                }
            }
            if (sequence.Count == count)
            {
                return null;
            }
        }
        return [.. sequence];
    }
}
