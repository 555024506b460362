// Owns the native engine: everything about it that is not the step path. Statuses become exceptions
// here and nowhere else.

using System.Runtime.InteropServices;
using System.Text;
using NanoFlow.Native;
using NanoFlow.Planning;

namespace NanoFlow.Engine;

/// <summary>A native call failed.</summary>
internal sealed class NativeException(NfStatus status, string message) : EngineException(message)
{
    public NfStatus Status { get; } = status;

    public static void ThrowIfFailed(NfStatus status)
    {
        if (status != NfStatus.Ok)
        {
            Throw(status);
        }
    }

    /// <summary>Of the call that failed last on this thread.</summary>
    public static unsafe string LastMessage() =>
        Marshal.PtrToStringUTF8((nint)NativeMethods.LastError())!;

    private static void Throw(NfStatus status) =>
        throw new NativeException(status, $"{LastMessage()} ({status})");
}

internal sealed unsafe class NativeEngine : IDisposable
{
    // What the ABI writes where there is no tensor.
    private const ushort NoTensor = ushort.MaxValue;

    private NfEngine* _engine;

    public NativeEngine(NativeEngineOptions options, NativeModelSpec spec)
    {
        NfEngine* engine;
        var native = options.Value;
        NativeException.ThrowIfFailed(NativeMethods.EngineCreate(&native, spec.Pointer, &engine));
        _engine = engine;
    }

    public NfEngine* Pointer => _engine;

    /// <summary>What an engine would take; nothing is allocated.</summary>
    public static MemoryFigures PlanMemory(NativeEngineOptions options, NativeModelSpec spec)
    {
        NfMemory memory;
        var native = options.Value;
        NativeException.ThrowIfFailed(NativeMethods.MemoryPlan(&native, spec.Pointer, &memory));
        return new MemoryFigures(
            checked((long)memory.Weights),
            checked((long)memory.Arena),
            checked((long)memory.KvPage),
            checked((long)memory.Sampling),
            checked((long)memory.Steps),
            checked((long)memory.LargestTensor));
    }

    public static void CheckVersion()
    {
        var version = NativeMethods.AbiVersion();
        if (version != (uint)NfVersion.AbiVersion)
        {
            throw new EngineException(
                $"{NativeMethods.Library} has version {version} of the interface, this program "
                + $"needs {(uint)NfVersion.AbiVersion}.");
        }
    }

    public DeviceFacts DescribeDevice()
    {
        NfDeviceInfo info;
        info.StructSize = (uint)sizeof(NfDeviceInfo);
        NativeException.ThrowIfFailed(NativeMethods.DeviceDescribe(_engine, &info));
        return DeviceFacts.From(info);
    }

    public GraphFacts DescribeGraph()
    {
        NfGraphInfo graph;
        graph.StructSize = (uint)sizeof(NfGraphInfo);
        NativeException.ThrowIfFailed(NativeMethods.GraphDescribe(_engine, &graph));
        uint count;
        NativeException.ThrowIfFailed(NativeMethods.GraphOps(_engine, null, 0, &count));
        var infos = new NfOpInfo[count];
        fixed (NfOpInfo* first = infos)
        {
            NativeException.ThrowIfFailed(
                NativeMethods.GraphOps(_engine, first, (uint)infos.Length, &count));
        }
        var ops = new GraphOp[count];
        for (var i = 0; i < ops.Length; i++)
        {
            ops[i] = ToGraphOp(infos[i]);
        }
        return new GraphFacts(graph.Hash, ops)
        {
            LayerCount = (int)graph.NumLayers,
            CarryIn = Tensor(graph.CarryIn),
            CarryOut = Tensor(graph.CarryOut),
            RunAhead = (int)graph.RunAheadTicks,
        };
    }

    public IReadOnlyList<string> WeightNames()
    {
        uint count;
        NativeException.ThrowIfFailed(NativeMethods.WeightCount(_engine, &count));
        var names = new string[count];
        for (var i = 0u; i < count; i++)
        {
            NfWeightInfo info;
            NativeException.ThrowIfFailed(NativeMethods.WeightDescribe(_engine, i, &info));
            names[i] = NativeText.Of(info.Name);
        }
        return names;
    }

    /// <summary>Converts and packs one tensor.</summary>
    /// <param name="scales">[rows] of an int8 matrix; empty for other tensors.</param>
    public void LoadWeight(
        int index, string path, Models.TensorEntry tensor, ReadOnlySpan<float> scales)
    {
        fixed (byte* utf8 = Encoding.UTF8.GetBytes(path + '\0'))
        fixed (float* firstScale = scales)
        {
            var source = new NfTensorSource
            {
                StructSize = (uint)sizeof(NfTensorSource),
                Dtype = (uint)tensor.DType,
                Path = utf8,
                Offset = (ulong)tensor.Offset,
                NumBytes = (ulong)tensor.ByteCount,
                PairedRows = (uint)tensor.PairedRows,
                Scales = firstScale,
            };
            NativeException.ThrowIfFailed(
                NativeMethods.WeightLoad(_engine, (uint)index, &source));
        }
    }

    /// <summary>Every weight was loaded.</summary>
    public void MakeReady() => NativeException.ThrowIfFailed(NativeMethods.EngineReady(_engine));

    /// <summary>Validates and lowers a plan; the program lives as long as the engine.</summary>
    public NfProgram* CreateProgram(Plan plan)
    {
        var partitions = new NfPartition[plan.Partitions.Count];
        for (var i = 0; i < partitions.Length; i++)
        {
            var (kind, firstUnit, unitCount) = plan.Partitions[i];
            partitions[i].Kind = (ushort)kind;
            partitions[i].FirstUnit = checked((ushort)firstUnit);
            partitions[i].NumUnits = checked((ushort)unitCount);
        }
        var lanes = new NfLane[plan.Lanes.Count];
        for (var i = 0; i < lanes.Length; i++)
        {
            lanes[i].Partition = checked((ushort)plan.Lanes[i].Partition);
        }
        return CreateProgram(
            checked((uint)plan.StepRows), partitions, lanes, NanoOps(plan), OrderEdges(plan));
    }

    public void Dispose()
    {
        NativeMethods.EngineDestroy(_engine);
        _engine = null;
    }

    private NfProgram* CreateProgram(
        uint stepRows,
        NfPartition[] partitions,
        NfLane[] lanes,
        NfNanoOp[] nanoOps,
        NfOrderEdge[] orderEdges)
    {
        fixed (NfPartition* firstPartition = partitions)
        fixed (NfLane* firstLane = lanes)
        fixed (NfNanoOp* firstNanoOp = nanoOps)
        fixed (NfOrderEdge* firstEdge = orderEdges)
        {
            var native = new NfPlan
            {
                StructSize = (uint)sizeof(NfPlan),
                StepRows = stepRows,
                NumPartitions = (uint)partitions.Length,
                NumLanes = (uint)lanes.Length,
                NumNanoOps = (uint)nanoOps.Length,
                NumOrderEdges = (uint)orderEdges.Length,
                Partitions = firstPartition,
                Lanes = firstLane,
                NanoOps = firstNanoOp,
                OrderEdges = firstEdge,
            };
            NfProgram* program;
            NativeException.ThrowIfFailed(
                NativeMethods.ProgramCreate(_engine, &native, &program));
            return program;
        }
    }

    private static NfNanoOp[] NanoOps(Plan plan)
    {
        var nanoOps = new NfNanoOp[plan.NanoOps.Count];
        for (var i = 0; i < nanoOps.Length; i++)
        {
            var from = plan.NanoOps[i];
            nanoOps[i] = new NfNanoOp
            {
                Segment = (ushort)from.Segment,
                Op = checked((ushort)from.Op),
                Lane = checked((ushort)from.Lane),
                Kernel = checked((ushort)from.Kernel),
                Units = checked((ushort)from.Units),
                RowBegin = checked((uint)from.RowBegin),
                RowEnd = checked((uint)from.RowEnd),
            };
        }
        return nanoOps;
    }

    private static NfOrderEdge[] OrderEdges(Plan plan)
    {
        var edges = new NfOrderEdge[plan.OrderEdges.Count];
        for (var i = 0; i < edges.Length; i++)
        {
            var (earlier, later, kind) = plan.OrderEdges[i];
            edges[i].Earlier = checked((ushort)earlier);
            edges[i].Later = checked((ushort)later);
            edges[i].Kind = (ushort)kind;
        }
        return edges;
    }

    private static GraphOp ToGraphOp(in NfOpInfo info)
    {
        var reads = new GraphRead[info.NumReads];
        for (var i = 0; i < reads.Length; i++)
        {
            reads[i] = new GraphRead(info.Reads[i].Tensor, (Reach)info.Reads[i].Reach);
        }
        ReadOnlySpan<ushort> writes = info.Writes;
        return new GraphOp(
            (Segment)info.Segment,
            (int)info.Index,
            NativeText.Of(info.Name),
            NativeText.Of(info.Kind),
            (ResourceKind)info.Resource,
            (int)info.NumKernels)
        {
            Rows = (RowSpace)info.RowSpace,
            Part = (RowPart)info.RowPart,
            Reads = reads,
            Writes = [.. writes.ToArray().Where(id => id != NoTensor).Select(Tensor)],
            Work = new OpWork(
                info.RowFlops,
                info.RowBytes,
                info.WeightBytes,
                info.ContextFlops,
                info.ContextBytes),
        };
    }

    private static int Tensor(ushort id) => id == NoTensor ? GraphFacts.None : id;
}
