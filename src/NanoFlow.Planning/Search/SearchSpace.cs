// What may be decided about a layer: where each op is cut, and for every nano-op its lane, its
// units and its place in the order.
//
// Cuts are taken from a grid of row boundaries: even shares of the step, and the border between
// decode and prefill rows. An op's cuts are a bit set over the grid, so ops may be cut differently;
// who needs whom follows from the ranges.

using NanoFlow.Planning.Simulation;

namespace NanoFlow.Planning.Search;

internal sealed class SearchSpace
{
    // Shares of a step that a nano-batch may have; eighths give the uneven pairs (3/8 and 5/8) that
    // published plans use.
    private const int GridShares = 8;

    public SearchSpace(GraphFacts graph, StepMix mix, ICostModel costs, PlanSearchOptions options)
    {
        Graph = graph;
        Mix = mix;
        Costs = costs;
        Options = options;
        Ops = [.. graph.In(Segment.Layer)];
        Boundaries = Grid(mix, options.RowTile);
        Needs = new Needs(graph, mix.Rows);
        LanesShareUnits = costs.MayExceedUnits && !options.IsHardSplit;
        LaneLimit = LanesShareUnits
            ? options.MaxLanes
            : Math.Min(options.MaxLanes, costs.UnitCount / costs.UnitChoices[0]);
    }

    public GraphFacts Graph { get; }

    public StepMix Mix { get; }

    public ICostModel Costs { get; }

    public PlanSearchOptions Options { get; }

    /// <summary>Of the layer, in the order of the graph.</summary>
    public IReadOnlyList<GraphOp> Ops { get; }

    /// <summary>Rows at which an op may be cut, ascending, between 0 and the rows of the
    /// step.</summary>
    public IReadOnlyList<int> Boundaries { get; }

    public Needs Needs { get; }

    /// <summary>Lanes float over all units, and may together ask for more than there
    /// are.</summary>
    public bool LanesShareUnits { get; }

    /// <summary>Lanes of a plan; each has a unit at least where they may not share any.</summary>
    public int LaneLimit { get; }

    /// <summary>The ranges of an op with these cuts.</summary>
    public IEnumerable<Piece> PiecesOf(GraphOp op, uint cuts)
    {
        var begin = 0;
        for (var i = 0; i < Boundaries.Count; i++)
        {
            if ((cuts >> i & 1) != 0)
            {
                yield return new Piece(op, begin, Boundaries[i]);
                begin = Boundaries[i];
            }
        }
        yield return new Piece(op, begin, Mix.Rows);
    }

    public Launch LaunchOf(in Piece piece, int units) => new(
        piece.Op, Mix.WorkOf(piece.Op, piece.Begin, piece.End), units);

    // Boundaries end on full row tiles, where that leaves them apart.
    private static int[] Grid(StepMix mix, int tile)
    {
        var boundaries = new SortedSet<int>();
        for (var share = 1; share < GridShares; share++)
        {
            var row = (int)((long)mix.Rows * share / GridShares);
            boundaries.Add(mix.Rows >= 2 * GridShares * tile ? row / tile * tile : row);
        }
        boundaries.Add(mix.DecodeRows);
        boundaries.RemoveWhere(row => row <= 0 || row >= mix.Rows);
        return [.. boundaries];
    }
}
