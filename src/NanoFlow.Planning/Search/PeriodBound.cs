// A period that no plan of a search space can beat, by the same model of costs.
//
// Two reasons. Work: a launch of time t on u of U units takes u t / U of the device, wherever it
// runs; slow-downs only add to it. Each op takes at least what its cheapest cuts and units take.
// Order: the rows of a nano-batch pass through the ops of a layer one after the other, and then
// through the next layer; the period is not shorter than that chain for the smallest range of rows.

namespace NanoFlow.Planning.Search;

internal static class PeriodBound
{
    /// <summary>Microseconds.</summary>
    public static double Of(SearchSpace space)
    {
        int[] rows = [0, .. space.Boundaries, space.Mix.Rows];
        var work = 0.0;
        foreach (var op in space.Ops)
        {
            work += LeastWork(space, op, rows);
        }
        var chain = 0.0;
        for (var cell = 0; cell + 1 < rows.Length; cell++)
        {
            chain = Math.Max(chain, LongestChain(space, rows, cell));
        }
        return Math.Max(work, chain);
    }

    // The cheapest cover of all rows by ranges of the grid.
    private static double LeastWork(SearchSpace space, GraphOp op, int[] rows)
    {
        var least = new double[rows.Length];
        for (var end = 1; end < rows.Length; end++)
        {
            least[end] = double.PositiveInfinity;
            for (var begin = 0; begin < end; begin++)
            {
                var piece = Least(space, op, rows[begin], rows[end], isWork: true);
                least[end] = Math.Min(least[end], least[begin] + piece);
            }
        }
        return least[^1];
    }

    private static double LongestChain(SearchSpace space, int[] rows, int cell)
    {
        var ends = new Dictionary<int, double>(); // by tensor
        var longest = 0.0;
        foreach (var op in space.Ops)
        {
            var begin = double.NegativeInfinity;
            foreach (var read in op.Reads)
            {
                var from = read.Tensor == space.Graph.CarryIn
                    ? 0
                    : ends.GetValueOrDefault(read.Tensor, double.NegativeInfinity);
                begin = Math.Max(begin, from);
            }
            var end = begin + LeastTime(space, op, rows, cell);
            foreach (var tensor in op.Writes)
            {
                ends[tensor] = Math.Max(end, ends.GetValueOrDefault(tensor, end));
            }
            if (op.Writes.Contains(space.Graph.CarryOut))
            {
                longest = Math.Max(longest, end);
            }
        }
        return longest;
    }

    // Of any nano-op that has the cell's rows.
    private static double LeastTime(SearchSpace space, GraphOp op, int[] rows, int cell)
    {
        var least = double.PositiveInfinity;
        for (var begin = 0; begin <= cell; begin++)
        {
            for (var end = cell + 1; end < rows.Length; end++)
            {
                least = Math.Min(least, Least(space, op, rows[begin], rows[end], isWork: false));
            }
        }
        return least;
    }

    private static double Least(SearchSpace space, GraphOp op, int begin, int end, bool isWork)
    {
        var least = double.PositiveInfinity;
        foreach (var units in space.Costs.UnitChoices)
        {
            var time = space.Costs.Time(space.LaunchOf(new(op, begin, end), units));
            least = Math.Min(least, isWork ? time * units / space.Costs.UnitCount : time);
        }
        return least;
    }
}
