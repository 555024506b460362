// The first incumbent: one layer by hand. Of the nano-ops whose predecessors are placed, the one
// with the longest way to the end of the layer is placed next, on the lane where it ends first.
// Edges to the next layer are left to the exact period.

namespace NanoFlow.Planning.Search;

internal static class ListSchedule
{
    public static int[][] Of(CyclicProblem problem)
    {
        var tail = Tails(problem);
        var end = new long[problem.Count];
        var laneEnd = new long[problem.Lanes];
        var order = new List<int>[problem.Lanes];
        for (var lane = 0; lane < order.Length; lane++)
        {
            order[lane] = [];
        }
        var open = Enumerable.Range(0, problem.Count).ToHashSet();
        while (open.Count > 0)
        {
            var next = open
                .Where(i => !Predecessors(problem, i).Any(open.Contains))
                .MaxBy(i => (tail[i], -i));
            var ready = Predecessors(problem, next).Select(i => end[i]).DefaultIfEmpty().Max();
            var lane = Enumerable.Range(0, problem.Lanes)
                .Where(lane => problem.Allows(next, lane))
                .MinBy(lane => (End(lane), lane));
            laneEnd[lane] = end[next] = End(lane);
            order[lane].Add(next);
            open.Remove(next);

            long End(int lane) => Math.Max(ready, laneEnd[lane]) + problem.Duration(next, lane);
        }
        return [.. order.Select(lane => lane.ToArray())];
    }

    // The longest way from each start to the end of the layer.
    private static long[] Tails(CyclicProblem problem)
    {
        var tail = new long[problem.Count];
        foreach (var i in problem.TopologicalOrder.Reverse())
        {
            tail[i] = problem.LeastDuration(i) + problem.Edges
                .Where(edge => edge.From == i && edge.Height == 0)
                .Select(edge => tail[edge.To])
                .DefaultIfEmpty()
                .Max();
        }
        return tail;
    }

    private static IEnumerable<int> Predecessors(CyclicProblem problem, int nanoOp) =>
        problem.Edges
            .Where(edge => edge.To == nanoOp && edge.Height == 0)
            .Select(edge => edge.From);
}
