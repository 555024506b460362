// How a step is executed, as pure data: partitions of the device, lanes on them, and nano-ops in
// issue order. A plan can be printed, compared and saved; it cannot change an answer, only the
// time. The meaning of every field is that of nf_plan in nanoflow.h.

namespace NanoFlow.Planning;

public enum Segment
{
    Prologue = 0,
    Layer = 1,
    Epilogue = 2,
}

public enum PartitionKind
{
    /// <summary>Soft split: lanes float over all units.</summary>
    Shared = 0,

    /// <summary>Hard split: these units and no others.</summary>
    Disjoint = 1,
}

public enum OrderKind
{
    AfterFinish = 0,
    AfterStart = 1,
}

public readonly record struct Partition(PartitionKind Kind, int FirstUnit, int UnitCount);

/// <param name="Partition">Index of the partition it runs on.</param>
public readonly record struct Lane(int Partition);

/// <summary>Op x rows x lane x kernel: the unit of scheduling.</summary>
/// <param name="Op">Index in the segment.</param>
/// <param name="Kernel">Row among the op's kernels; 0 is the default.</param>
/// <param name="Units">Share of the lane's units; 0: all of them.</param>
/// <param name="RowBegin">Of StepRows; a step of another size scales the range.</param>
/// <param name="RowEnd">Exclusive.</param>
public readonly record struct NanoOp(
    Segment Segment, int Op, int Lane, int Kernel, int Units, int RowBegin, int RowEnd);

/// <summary>"Later" waits for "earlier"; both are indices of nano-ops of one segment.</summary>
public readonly record struct OrderEdge(int Earlier, int Later, OrderKind Kind);

public sealed record Plan
{
    /// <summary>The size of step it was made for; the denominator of all row ranges.</summary>
    public required int StepRows { get; init; }

    public required IReadOnlyList<Partition> Partitions { get; init; }

    public required IReadOnlyList<Lane> Lanes { get; init; }

    /// <summary>In issue order, segment by segment.</summary>
    public required IReadOnlyList<NanoOp> NanoOps { get; init; }

    public IReadOnlyList<OrderEdge> OrderEdges { get; init; } = [];

    /// <summary>One lane, one nano-batch, the whole device, ops in the order of the graph: the
    /// baseline and the fallback, and the same code path as any other plan.</summary>
    public static Plan Sequential(GraphFacts graph, int unitCount, int stepRows)
    {
        var nanoOps = new List<NanoOp>(graph.Ops.Count);
        foreach (var op in graph.Ops)
        {
            nanoOps.Add(new NanoOp(op.Segment, op.Index, 0, 0, 0, 0, stepRows));
        }
        return new Plan
        {
            StepRows = stepRows,
            Partitions = [new Partition(PartitionKind.Shared, 0, unitCount)],
            Lanes = [new Lane(0)],
            NanoOps = nanoOps,
        };
    }

    /// <summary>What a nano-op has of its lane's units.</summary>
    public int UnitsOf(NanoOp nano)
    {
        var width = Partitions[Lanes[nano.Lane].Partition].UnitCount;
        return nano.Units == 0 ? width : Math.Min(nano.Units, width);
    }

    /// <summary>What a nano-op does in a step of a mix.</summary>
    public Launch LaunchOf(NanoOp nano, GraphFacts graph, StepMix mix)
    {
        var op = graph.At(nano.Segment, nano.Op);
        var (begin, end) = mix.Scale(op, nano.RowBegin, nano.RowEnd, StepRows);
        return new Launch(op, mix.WorkOf(op, begin, end), UnitsOf(nano));
    }

    /// <summary>The same nano-ops in the same order, one after the other, each with the whole
    /// device: what cutting costs without what overlapping brings.</summary>
    public Plan OnOneLane(int unitCount) => new()
    {
        StepRows = StepRows,
        Partitions = [new Partition(PartitionKind.Shared, 0, unitCount)],
        Lanes = [new Lane(0)],
        NanoOps = [.. NanoOps.Select(nano => nano with { Lane = 0, Units = 0 })],
    };
}
