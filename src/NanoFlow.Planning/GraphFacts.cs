namespace NanoFlow.Planning;

/// <summary>What mostly bounds an op.</summary>
public enum ResourceKind
{
    Compute = 0,
    Memory = 1,
    Network = 2,
}

/// <param name="Name">Unique in its segment, e.g. "gate_up".</param>
/// <param name="Kind">E.g. "gemm".</param>
/// <param name="KernelCount">Kernels of the backend that can run it.</param>
public sealed record GraphOp(
    Segment Segment, int Index, string Name, string Kind, ResourceKind Resource, int KernelCount);

/// <summary>A model's graph as plans see it.</summary>
/// <param name="Hash">Of the graph with its shapes and types: a plan file names it.</param>
/// <param name="Ops">Segment by segment, in the order of the graph.</param>
public sealed record GraphFacts(ulong Hash, IReadOnlyList<GraphOp> Ops)
{
    public GraphOp? Find(Segment segment, string name)
    {
        foreach (var op in Ops)
        {
            if (op.Segment == segment && op.Name == name)
            {
                return op;
            }
        }
        return null;
    }

    public GraphOp At(Segment segment, int index)
    {
        foreach (var op in Ops)
        {
            if (op.Segment == segment && op.Index == index)
            {
                return op;
            }
        }
        throw new ArgumentException($"The graph has no op {index} in segment {segment}.");
    }
}
