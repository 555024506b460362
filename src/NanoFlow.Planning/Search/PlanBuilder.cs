// From a draft of the layer to a plan of the whole step. Where launches may share units, lanes
// float over all of them and a nano-op takes the share the draft gives it; elsewhere every lane has
// units of its own, and one more lane has all. Prologue and epilogue run alone, with everything.
// Order edges are added only where lanes share units.

namespace NanoFlow.Planning.Search;

internal static class PlanBuilder
{
    public static Plan Build(SearchSpace space, LayerDraft draft)
    {
        var lanes = draft.Lanes.Distinct().Order().ToList();
        var isShared = space.LanesShareUnits || lanes.Count == 1;
        var whole = new Partition(PartitionKind.Shared, 0, space.Costs.UnitCount);
        var nanoOps = new List<NanoOp>();
        AddWhole(nanoOps, space, Segment.Prologue);
        var firstOfLayer = nanoOps.Count;
        foreach (var i in draft.Order())
        {
            var (op, begin, end) = draft.Shape.Pieces[i];
            var lane = lanes.IndexOf(draft.Lanes[i]);
            var hasAll = !isShared || draft.Units[i] == space.Costs.UnitCount;
            nanoOps.Add(new NanoOp(
                Segment.Layer,
                op.Index,
                isShared ? lane : lane + 1,
                Kernel: 0,
                hasAll ? 0 : draft.Units[i],
                begin,
                end));
        }
        AddWhole(nanoOps, space, Segment.Epilogue);
        return new Plan
        {
            StepRows = space.Mix.Rows,
            Partitions = isShared
                ? [whole]
                : [whole, .. Disjoint([.. lanes.Select(lane => draft.Widths[lane])])],
            Lanes = isShared
                ? [.. lanes.Select(_ => new Lane(0))]
                : [.. Enumerable.Range(0, lanes.Count + 1).Select(i => new Lane(i))],
            NanoOps = nanoOps,
            OrderEdges = isShared && lanes.Count > 1
                ? [.. StartEdges.Of(space, draft, firstOfLayer)]
                : [],
        };
    }

    // Side by side from the first unit on.
    private static IEnumerable<Partition> Disjoint(int[] widths)
    {
        var first = 0;
        foreach (var width in widths)
        {
            yield return new Partition(PartitionKind.Disjoint, first, width);
            first += width;
        }
    }

    private static void AddWhole(List<NanoOp> nanoOps, SearchSpace space, Segment segment)
    {
        foreach (var op in space.Graph.In(segment))
        {
            nanoOps.Add(new NanoOp(segment, op.Index, 0, 0, 0, 0, space.Mix.Rows));
        }
    }
}
