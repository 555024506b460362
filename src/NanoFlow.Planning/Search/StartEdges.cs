// Where lanes share units, a large product that begins a moment too early takes every slot of the
// device, and the small kernel that was to run beside it waits for its end. So what is bound by
// arithmetic is not launched before that has started which is bound by memory and runs beside it:
// where the simulation lets that one begin no later, so that nothing is held up that the prediction
// does not hold up too.

using NanoFlow.Planning.Simulation;

namespace NanoFlow.Planning.Search;

internal static class StartEdges
{
    // A layer in the middle: those before fill the lanes, those after drain them.
    private const int Layers = 8;
    private const int SteadyTick = 5;

    /// <param name="firstOfLayer">Index in the plan of the layer's first nano-op.</param>
    public static IEnumerable<OrderEdge> Of(SearchSpace space, LayerDraft draft, int firstOfLayer)
    {
        var model = draft.ToModel(space);
        var simulation = new StepSimulation { Spans = [] };
        simulation.Run(model, Layers, space.Graph.RunAhead);
        var layer = simulation.Spans.Where(span => span.Tick == SteadyTick).ToArray();
        foreach (var later in layer.Where(span => Resource(span) == ResourceKind.Compute)
            .OrderBy(span => span.NanoOp))
        {
            // On a lane that is in order the last one is enough.
            var others = layer
                .Where(span => Resource(span) == ResourceKind.Memory && RunsWhen(span, later))
                .GroupBy(span => span.Lane)
                .Select(lane => lane.Max(span => span.NanoOp));
            foreach (var earlier in others)
            {
                yield return new OrderEdge(
                    firstOfLayer + earlier,
                    firstOfLayer + later.NanoOp,
                    OrderKind.AfterStart);
            }
        }

        ResourceKind Resource(TimelineSpan span) => model.Launches[span.NanoOp].Op.Resource;
    }

    // Issued before, on another lane, and running when the other one begins.
    private static bool RunsWhen(in TimelineSpan span, in TimelineSpan later) =>
        span.NanoOp < later.NanoOp
        && span.Lane != later.Lane
        && span.BeginMicroseconds <= later.BeginMicroseconds
        && span.EndMicroseconds > later.BeginMicroseconds;
}
