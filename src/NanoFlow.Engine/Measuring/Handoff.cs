// What it costs that a nano-op waits for one on another lane: a step whose ops take turns on two
// lanes, against the same step on one lane.

using NanoFlow.Planning;

namespace NanoFlow.Engine.Measuring;

internal static class Handoff
{
    // Few rows: nano-ops are short, and what lies between them shows.
    private const int Rows = 4;
    private const int Steps = 21;

    /// <summary>Microseconds.</summary>
    public static double Measure(IPlanBench bench, int units)
    {
        var mix = new StepMix(Math.Min(Rows, bench.Limits.Rows), 0, Rows);
        if (bench.Graph.LayerCount == 0 || !bench.Limits.Hold(mix))
        {
            return 0;
        }
        using var one = bench.Open(TakingTurns(bench, units, lanes: 1));
        using var two = bench.Open(TakingTurns(bench, units, lanes: 2));
        var alone = new double[Steps];
        var turns = new double[Steps];
        for (var i = 0; i < Steps; i++)
        {
            alone[i] = one.RunStep(mix);
            turns[i] = two.RunStep(mix);
        }
        var handoffs = (bench.Graph.In(Segment.Layer).Count() - 1) * bench.Graph.LayerCount;
        return Math.Max(0, (Median.Of(turns) - Median.Of(alone)) / Math.Max(1, handoffs));
    }

    private static Plan TakingTurns(IPlanBench bench, int units, int lanes)
    {
        var plan = Plan.Sequential(bench.Graph, bench.Device.UnitCount, Rows);
        return plan with
        {
            Lanes = [.. Enumerable.Repeat(new Lane(0), lanes)],
            NanoOps =
            [
                .. plan.NanoOps.Select(nano => nano with
                {
                    Units = units,
                    Lane = nano.Segment == Segment.Layer ? nano.Op % lanes : 0,
                }),
            ],
        };
    }
}
