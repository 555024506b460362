// The problem as a mixed-integer linear program in CPLEX-LP text, for a solver that knows nothing
// of ours. T is the period, s_i the starts within a layer, d_i the durations, x_i_l says that i
// runs on lane l, and y_i_j that i is before j if one lane has both. A statement that only holds on
// some condition is loosened by M where the condition fails: run-ahead keeps starts within 2 T of
// each other, so that no difference passes M = 2 * (sum of all durations).
//
// Durations must be positive: with zeros, nano-ops that wait for each other would be solutions.

using System.Globalization;
using System.Text;

namespace NanoFlow.Planning.Tests.Search;

internal sealed class LinearProgram
{
    private readonly RandomProblem _problem;
    private readonly StringBuilder _text = new();
    private readonly long _most;

    private LinearProgram(RandomProblem problem)
    {
        _problem = problem;
        _most = problem.Durations.Sum(row => row.Max() ?? 0);
    }

    public static string TextOf(RandomProblem problem)
    {
        var program = new LinearProgram(problem);
        program._text.Append("Minimize\n T\nSubject To\n");
        program.AddLanes();
        program.AddEdges();
        program.AddOrders();
        program.AddBounds();
        return program._text.ToString();
    }

    private void AddLanes()
    {
        for (var i = 0; i < _problem.Count; i++)
        {
            Row(string.Join(" + ", LanesOf(i).Select(lane => $"x_{i}_{lane}")), "= 1");
            Row($"d_{i}" + string.Concat(LanesOf(i).Select(lane => Time(i, lane))), "= 0");
        }
        for (var lane = 0; lane < _problem.Lanes; lane++)
        {
            var load = Enumerable.Range(0, _problem.Count).Where(i => Runs(i, lane));
            Row("T" + string.Concat(load.Select(i => Time(i, lane))), ">= 0");
        }
    }

    private void AddEdges()
    {
        foreach (var (from, to, height) in _problem.Edges)
        {
            AddWait(from, to, height);
        }
        for (var i = 0; i < _problem.Count; i++)
        {
            for (var j = 0; j < _problem.Count; j++)
            {
                AddWait(i, j, 2);
            }
        }
    }

    private void AddOrders()
    {
        for (var i = 0; i < _problem.Count; i++)
        {
            for (var j = i + 1; j < _problem.Count; j++)
            {
                foreach (var lane in LanesOf(i).Intersect(LanesOf(j)))
                {
                    // Either i is first, and y is 1, or j is, and y is 0.
                    var same = $" - {2 * _most} x_{i}_{lane} - {2 * _most} x_{j}_{lane}";
                    var isFirst = same + $" - {2 * _most} y_{i}_{j}";
                    var isSecond = same + $" + {2 * _most} y_{i}_{j}";
                    AddWait(i, j, 0, isFirst, -6 * _most);
                    AddWait(j, i, 1, isFirst, -6 * _most);
                    AddWait(j, i, 0, isSecond, -4 * _most);
                    AddWait(i, j, 1, isSecond, -4 * _most);
                }
            }
        }
    }

    // `to` starts `height` layers after `from` has ended.
    private void AddWait(int from, int to, int height, string loose = "", long least = 0)
    {
        var starts = from == to ? "" : $" + s_{to} - s_{from}";
        Row($"{height} T{starts} - d_{from}{loose}", $">= {least}");
    }

    private void AddBounds()
    {
        _text.Append(CultureInfo.InvariantCulture, $"Bounds\n T <= {_most}\nBinary\n");
        for (var i = 0; i < _problem.Count; i++)
        {
            _text.AppendJoin('\n', LanesOf(i).Select(lane => $" x_{i}_{lane}")).Append('\n');
            for (var j = i + 1; j < _problem.Count; j++)
            {
                if (LanesOf(i).Intersect(LanesOf(j)).Any())
                {
                    _text.Append(CultureInfo.InvariantCulture, $" y_{i}_{j}\n");
                }
            }
        }
        _text.Append("End\n");
    }

    private void Row(string left, string right) =>
        _text.Append(CultureInfo.InvariantCulture, $" {left} {right}\n");

    private bool Runs(int nanoOp, int lane) => _problem.Durations[nanoOp][lane] is not null;

    private IEnumerable<int> LanesOf(int nanoOp) =>
        Enumerable.Range(0, _problem.Lanes).Where(lane => Runs(nanoOp, lane));

    private string Time(int nanoOp, int lane) =>
        $" - {_problem.Durations[nanoOp][lane]} x_{nanoOp}_{lane}";
}
