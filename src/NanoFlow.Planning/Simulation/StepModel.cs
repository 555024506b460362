// A step as the simulation sees it: nano-ops with their times alone, the queue of each lane, and
// who needs whom. Of a whole plan, or of layers alone for the steady state.

namespace NanoFlow.Planning.Simulation;

internal sealed class StepModel
{
    private static readonly int SegmentCount = Enum.GetValues<Segment>().Length;

    /// <param name="launches">One for each nano-op, in issue order.</param>
    /// <param name="lanes">By nano-op.</param>
    /// <param name="needs">By nano-op; of the layer's: in all layers but the first.</param>
    /// <param name="firstNeeds">By nano-op: in the first layer. Null: the first layer needs
    /// nothing from before it.</param>
    public StepModel(
        Launch[] launches,
        int[] lanes,
        Need[][] needs,
        Need[][]? firstNeeds,
        ICostModel costs)
    {
        Launches = launches;
        Lanes = lanes;
        Needs = needs;
        FirstNeeds = firstNeeds
            ?? [.. needs.Select(list => list.Where(need => need.TicksBack == 0).ToArray())];
        Costs = costs;
        LaneCount = lanes.Length == 0 ? 0 : lanes.Max() + 1;
        Times = new double[launches.Length];
        for (var i = 0; i < Times.Length; i++)
        {
            Times[i] = costs.Time(launches[i]);
        }
        Queues = new int[SegmentCount][][];
        for (var segment = 0; segment < SegmentCount; segment++)
        {
            Queues[segment] = QueuesOf((Segment)segment);
        }
    }

    public Launch[] Launches { get; }

    public int[] Lanes { get; }

    public int LaneCount { get; }

    /// <summary>Microseconds with nothing beside it.</summary>
    public double[] Times { get; }

    public Need[][] Needs { get; }

    public Need[][] FirstNeeds { get; }

    /// <summary>[segment][lane]: nano-ops in the order of the lane.</summary>
    public int[][][] Queues { get; }

    public ICostModel Costs { get; }

    public int CountIn(Segment segment) => Queues[(int)segment].Sum(queue => queue.Length);

    public static StepModel Of(Plan plan, GraphFacts graph, StepMix mix, ICostModel costs)
    {
        var pieces = new Piece[plan.NanoOps.Count];
        var launches = new Launch[pieces.Length];
        var lanes = new int[pieces.Length];
        for (var i = 0; i < pieces.Length; i++)
        {
            var nano = plan.NanoOps[i];
            launches[i] = plan.LaunchOf(nano, graph, mix);
            pieces[i] = new Piece(launches[i].Op, nano.RowBegin, nano.RowEnd);
            lanes[i] = nano.Lane;
        }
        var derived = new Needs(graph, plan.StepRows);
        var needs = new Need[pieces.Length][];
        var firstNeeds = new Need[pieces.Length][];
        for (var i = 0; i < pieces.Length; i++)
        {
            // An order edge within a segment is a need for the simulation; one that waits for the
            // start of the other is met by the issue order closely enough.
            var edges = plan.OrderEdges
                .Where(edge => edge.Later == i && edge.Kind == OrderKind.AfterFinish)
                .Select(edge => new Need(edge.Earlier, 0));
            needs[i] = [.. derived.Of(pieces, i, isFirstLayer: false).Union(edges)];
            firstNeeds[i] = [.. derived.Of(pieces, i, isFirstLayer: true).Union(edges)];
        }
        return new StepModel(launches, lanes, needs, firstNeeds, costs);
    }

    private int[][] QueuesOf(Segment segment)
    {
        var queues = new List<int>[LaneCount];
        for (var lane = 0; lane < LaneCount; lane++)
        {
            queues[lane] = [];
        }
        for (var i = 0; i < Launches.Length; i++)
        {
            if (Launches[i].Op.Segment == segment)
            {
                queues[Lanes[i]].Add(i);
            }
        }
        return [.. queues.Select(queue => queue.ToArray())];
    }
}
