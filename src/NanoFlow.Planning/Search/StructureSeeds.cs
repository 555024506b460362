// First stage of the search, as seeds of the second: lanes and orders that are best, or nearly,
// when nothing slows anything else down. Every uniform way to cut is solved twice: with a lane for
// each resource, and with equal lanes that share the units.

using NanoFlow.Planning.Simulation;

namespace NanoFlow.Planning.Search;

internal static class StructureSeeds
{
    // Enough to prove small layers optimal; large ones get what the solver has by then.
    private const long Nodes = 2_000;

    public static IEnumerable<LayerDraft> All(SearchSpace space)
    {
        foreach (var cuts in Seeds.UniformCuts(space))
        {
            var shape = new LayerShape(space, [.. space.Ops.Select(_ => cuts)]);
            if (shape.Pieces.Count > Math.Min(
                CyclicProblem.MaxNanoOps, space.Options.MaxNanoOps))
            {
                continue;
            }
            yield return LanesByResource(space, cuts, shape);
            if (space.Costs.UnitCount > 1)
            {
                yield return EqualLanes(space, cuts, shape);
            }
        }
    }

    private static LayerDraft LanesByResource(SearchSpace space, uint cuts, LayerShape shape)
    {
        var lanes = Math.Min(space.LaneLimit, Enum.GetValues<ResourceKind>().Length);
        return Solve(space, cuts, shape, lanes, (piece, lane) =>
            (int)piece.Op.Resource % lanes == lane
                ? piece.Op.Resource == ResourceKind.Compute
                    ? space.Costs.UnitCount
                    : Seeds.CheapestUnits(space, piece)
                : null);
    }

    private static LayerDraft EqualLanes(SearchSpace space, uint cuts, LayerShape shape)
    {
        var lanes = Math.Min(space.LaneLimit, space.Costs.UnitCount);
        var units = space.Costs.UnitChoices.Last(n => n <= space.Costs.UnitCount / lanes);
        return Solve(space, cuts, shape, lanes, (_, _) => units);
    }

    /// <param name="unitsOn">Units of a nano-op on a lane; null: it may not run there.</param>
    private static LayerDraft Solve(
        SearchSpace space, uint cuts, LayerShape shape, int lanes, Func<Piece, int, int?> unitsOn)
    {
        var durations = shape.Pieces.Select(piece => Enumerable.Range(0, lanes)
            .Select(lane => unitsOn(piece, lane) is { } units ? Nanoseconds(piece, units) : null)
            .ToArray()).ToArray();
        var edges = shape.Needs.SelectMany((needs, to) => needs
            .Select(need => new CyclicEdge(need.Source, to, need.TicksBack))).ToArray();
        var problem = new CyclicProblem(durations, edges);
        var solution = BranchAndBound.Solve(problem, SearchLimits.OfNodes(Nodes));
        var starts = new CyclePeriod(problem).EarliestStarts(solution.Order, solution.Period)!;
        return LayerDraft.Create(space, [.. space.Ops.Select(_ => cuts)], piece =>
        {
            var i = shape.Find(piece.Op, piece.Begin);
            var lane = solution.Lane[i];
            return (lane, unitsOn(piece, lane)!.Value, starts[i]);
        });

        long? Nanoseconds(Piece piece, int units) => Math.Min(
            CyclicProblem.MaxDuration,
            (long)(space.Costs.Time(space.LaunchOf(piece, units)) * 1000));
    }
}
