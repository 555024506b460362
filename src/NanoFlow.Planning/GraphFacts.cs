// A model's graph as plans and their search see it: ops with what they read, write and cost in
// FLOPs and bytes. Nothing here knows what an op computes, so a new kind of op or a new model needs
// no change.

namespace NanoFlow.Planning;

/// <summary>What mostly bounds an op.</summary>
public enum ResourceKind
{
    Compute = 0,
    Memory = 1,
    Network = 2,
}

/// <summary>What the row ranges of an op count.</summary>
public enum RowSpace
{
    Token = 0,
    Sample = 1,
    Sequence = 2,
}

/// <summary>Which rows of a step an op works on.</summary>
public enum RowPart
{
    All = 0,
    Decode = 1,
    Prefill = 2,
}

/// <summary>Which rows of what it reads a reader of rows [b, e) needs.</summary>
public enum Reach
{
    /// <summary>The same rows.</summary>
    Same = 0,

    /// <summary>All rows before e.</summary>
    Prefix = 1,

    /// <summary>All rows of the step.</summary>
    All = 2,
}

public readonly record struct GraphRead(int Tensor, Reach Reach);

/// <summary>What an op has to do, in one layer.</summary>
/// <param name="RowFlops">FLOPs a row; a multiply-add is two.</param>
/// <param name="RowBytes">Bytes of activations a row reads and writes.</param>
/// <param name="WeightBytes">Bytes of weights, read once a launch.</param>
/// <param name="ContextFlops">FLOPs a row and token that it attends.</param>
/// <param name="ContextBytes">Bytes of KV pages a row and token that it attends.</param>
public readonly record struct OpWork(
    double RowFlops,
    double RowBytes,
    double WeightBytes,
    double ContextFlops,
    double ContextBytes)
{
    public double Flops(in NanoWork work) => work.Rows * (RowFlops + ContextFlops * work.Context);
}

/// <param name="Name">Unique in its segment, e.g. "gate_up".</param>
/// <param name="Kind">E.g. "gemm".</param>
/// <param name="KernelCount">Kernels of the backend that can run it.</param>
public sealed record GraphOp(
    Segment Segment, int Index, string Name, string Kind, ResourceKind Resource, int KernelCount)
{
    public RowSpace Rows { get; init; }

    public RowPart Part { get; init; }

    public IReadOnlyList<GraphRead> Reads { get; init; } = [];

    /// <summary>Tensors; each row of a tensor is written by one op of a layer.</summary>
    public IReadOnlyList<int> Writes { get; init; } = [];

    public OpWork Work { get; init; }

    /// <summary>Bytes of weights and KV pages that a launch reads at least: a prefill chunk is of
    /// one sequence, whose pages need to be read once.</summary>
    public double StoredBytes(in NanoWork work)
    {
        var sequences = Part == RowPart.Prefill ? Math.Min(1, work.Rows) : work.Rows;
        return sequences * Work.ContextBytes * work.Context
            + (work.Rows > 0 ? Work.WeightBytes : 0);
    }

    /// <summary>The same with the activations that it reads and writes.</summary>
    public double Bytes(in NanoWork work) => work.Rows * Work.RowBytes + StoredBytes(work);

    /// <summary>Does its time depend on how many tokens its rows attend?</summary>
    public bool HasContext => Work.ContextFlops > 0 || Work.ContextBytes > 0;
}

/// <summary>A model's graph as plans see it.</summary>
/// <param name="Hash">Of the graph with its shapes and types: a plan file names it.</param>
/// <param name="Ops">Segment by segment, in the order of the graph.</param>
public sealed record GraphFacts(ulong Hash, IReadOnlyList<GraphOp> Ops)
{
    /// <summary>No tensor.</summary>
    public const int None = -1;

    public int LayerCount { get; init; }

    /// <summary>The tensor that the prologue hands to the first layer.</summary>
    public int CarryIn { get; init; } = None;

    /// <summary>The tensor that a layer hands to the next one and to the epilogue.</summary>
    public int CarryOut { get; init; } = None;

    /// <summary>No lane begins layer l + RunAhead before every lane has finished layer l.</summary>
    public int RunAhead { get; init; } = 2;

    public IEnumerable<GraphOp> In(Segment segment) => Ops.Where(op => op.Segment == segment);

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
