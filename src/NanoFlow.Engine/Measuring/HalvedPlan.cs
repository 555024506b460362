using NanoFlow.Planning;

namespace NanoFlow.Engine.Measuring;

/// <summary>Every op cut in two halves, each on its own lane: all pairs of ops are in it.</summary>
internal static class HalvedPlan
{
    /// <param name="share">Units of the two lanes.</param>
    /// <param name="rows">Of a half; a step of twice as many is cut exactly there.</param>
    /// <param name="device">The lanes float over its units where it allows that, as those of most
    /// plans then do; else each has its own.</param>
    public static Plan Of(GraphFacts graph, (int A, int B) share, int rows, DeviceFacts device)
    {
        var nanoOps = new List<NanoOp>();
        foreach (var op in graph.Ops)
        {
            nanoOps.Add(new NanoOp(op.Segment, op.Index, 0, 0, share.A, 0, rows));
            nanoOps.Add(new NanoOp(op.Segment, op.Index, 1, 0, share.B, rows, 2 * rows));
        }
        return new Plan
        {
            StepRows = 2 * rows,
            Partitions = device.MayExceedUnits
                ?
                [
                    new Partition(PartitionKind.Shared, 0, device.UnitCount),
                    new Partition(PartitionKind.Shared, 0, device.UnitCount),
                ]
                :
                [
                    new Partition(PartitionKind.Disjoint, 0, share.A),
                    new Partition(PartitionKind.Disjoint, share.A, share.B),
                ],
            Lanes = [new Lane(0), new Lane(1)],
            NanoOps = nanoOps,
        };
    }
}
