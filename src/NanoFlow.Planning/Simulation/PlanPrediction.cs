// What the model of costs says about a plan: the period of a layer in the steady state, the time of
// a whole step, and when each nano-op runs.

namespace NanoFlow.Planning.Simulation;

/// <summary>Times in microseconds.</summary>
/// <param name="Period">Of a layer in the steady state.</param>
/// <param name="Step">From the first launch to the last end.</param>
/// <param name="Spans">Every nano-op of the step, in order of their ends.</param>
public sealed record StepPrediction(
    double Period, double Step, IReadOnlyList<TimelineSpan> Spans)
{
    /// <summary>The layer's nano-ops over one period of the steady state.</summary>
    public IReadOnlyList<PredictedSpan> SteadyLayer(int layerCount)
    {
        // The middle of the step is far from its start and from its end.
        var tick = 1 + layerCount / 2;
        var layer = Spans.Where(span => span.Tick == tick).OrderBy(span => span.NanoOp).ToArray();
        var origin = layer.Length == 0 ? 0 : layer.Min(span => span.BeginMicroseconds);
        return [.. layer.Select(span => new PredictedSpan(
            span.NanoOp, span.BeginMicroseconds - origin, span.EndMicroseconds - origin))];
    }
}

public static class PlanPrediction
{
    /// <summary>Predicts a step of the mix.</summary>
    public static StepPrediction Of(Plan plan, GraphFacts graph, StepMix mix, ICostModel costs)
    {
        var model = StepModel.Of(plan, graph, mix, costs);
        var simulation = new StepSimulation { Spans = [] };
        var step = simulation.Run(model, graph.LayerCount, graph.RunAhead);
        return new StepPrediction(
            SteadyPeriod.Of(simulation.LayerEnds, step), step, simulation.Spans);
    }
}
