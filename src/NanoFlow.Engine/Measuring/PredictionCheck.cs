// Are predictions true? Random plans, predicted from the cost table and then measured; nobody has
// chosen them for being easy.

using NanoFlow.Planning;
using NanoFlow.Planning.Search;
using NanoFlow.Planning.Simulation;

namespace NanoFlow.Engine.Measuring;

/// <param name="Seed">That drew the plan.</param>
/// <param name="Predicted">Microseconds of a layer in the steady state.</param>
/// <param name="Measured">The median of several steps.</param>
public sealed record PredictionCheck(int Seed, Plan Plan, double Predicted, double Measured)
{
    private const int Steps = 5;

    /// <summary>Positive: the prediction is too long.</summary>
    public double Difference => Predicted / Measured - 1;

    public static IReadOnlyList<PredictionCheck> Run(
        IPlanBench bench, ICostModel costs, StepMix mix, int count, int seed)
    {
        var checks = new List<PredictionCheck>();
        var tuned = MixTuning.Of(bench, costs, mix);
        for (var i = 0; i < count; i++)
        {
            var plan = RandomPlans.Draw(
                bench.Graph, mix, tuned, bench.Device.RowTile, seed + i);
            var predicted = PlanPrediction.Of(plan, bench.Graph, mix, tuned);
            using var program = bench.Open(plan);
            var measured = new double[Steps];
            for (var step = 0; step < Steps; step++)
            {
                measured[step] = SteadyPeriod.Of(
                    program.Trace(mix), bench.Graph.LayerCount);
            }
            checks.Add(new PredictionCheck(
                seed + i, plan, predicted.Period, Median.Of(measured)));
        }
        return checks;
    }
}
