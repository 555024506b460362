// What each op of the layer reaches on the whole device, and what share of that it keeps on fewer
// units: what overlapping lives on. From the largest launch of each op that was measured.

using NanoFlow.Cli;
using NanoFlow.Planning;

namespace NanoFlow.Commands;

internal static class ExchangeCurves
{
    // Of the device's units; the nearest number that was measured is shown.
    private static readonly double[] Shares = [0.25, 0.4, 0.5, 0.75];

    public static Table Of(GraphFacts graph, CostTable costs)
    {
        var units = Shares
            .Select(share => costs.UnitChoices.MinBy(n => Math.Abs(n - share * costs.UnitCount)))
            .Distinct().ToArray();
        var table = new Table(
        [
            "op", "rows", "context", "GFLOP/s", "GB/s",
            .. units.Select(n => Text.Of($"on {n}/{costs.UnitCount}")),
        ]);
        foreach (var op in graph.In(Segment.Layer))
        {
            table.Add(Row(op, Largest(op, costs), costs, units));
        }
        return table;
    }

    private static string[] Row(GraphOp op, NanoWork work, CostTable costs, int[] units)
    {
        var whole = TimeOn(costs.UnitCount);
        return
        [
            op.Name,
            Text.Of($"{work.Rows}"),
            op.HasContext ? Text.Of($"{work.Context:F0}") : "",
            Text.Of($"{op.Work.Flops(work) / whole / 1e3:F0}"),
            Text.Of($"{op.Bytes(work) / whole / 1e3:F0}"),
            .. units.Select(n => Text.Of($"{whole / TimeOn(n):F2}")),
        ];

        double TimeOn(int n) => costs.Time(new Launch(op, work, n));
    }

    private static NanoWork Largest(GraphOp op, CostTable costs)
    {
        var largest = costs.Ops
            .Where(cost => cost.Segment == op.Segment && cost.Op == op.Index)
            .MaxBy(cost => cost.Rows * Math.Max(1, cost.Context));
        return new NanoWork(largest.Rows, largest.Context);
    }
}
