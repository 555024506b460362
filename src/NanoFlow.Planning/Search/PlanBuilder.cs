// From a draft of the layer to a plan of the whole step. Lanes float over all units, and a nano-op
// takes the share the draft gives it; prologue and epilogue run alone, with everything.

namespace NanoFlow.Planning.Search;

internal static class PlanBuilder
{
    public static Plan Build(SearchSpace space, LayerDraft draft)
    {
        var lanes = draft.Lanes.Distinct().Order().ToList();
        var nanoOps = new List<NanoOp>();
        AddWhole(nanoOps, space, Segment.Prologue);
        foreach (var i in draft.Order())
        {
            var (op, begin, end) = draft.Shape.Pieces[i];
            nanoOps.Add(new NanoOp(
                Segment.Layer,
                op.Index,
                lanes.IndexOf(draft.Lanes[i]),
                Kernel: 0,
                draft.Units[i] == space.Costs.UnitCount ? 0 : draft.Units[i],
                begin,
                end));
        }
        AddWhole(nanoOps, space, Segment.Epilogue);
        return new Plan
        {
            StepRows = space.Mix.Rows,
            Partitions = [new Partition(PartitionKind.Shared, 0, space.Costs.UnitCount)],
            Lanes = [.. lanes.Select(_ => new Lane(0))],
            NanoOps = nanoOps,
        };
    }

    private static void AddWhole(List<NanoOp> nanoOps, SearchSpace space, Segment segment)
    {
        foreach (var op in space.Graph.In(segment))
        {
            nanoOps.Add(new NanoOp(segment, op.Index, 0, 0, 0, 0, space.Mix.Rows));
        }
    }
}
