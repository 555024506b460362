// The weightless echo model behind the raw C interface: the token after t is t + 1.

using System.Runtime.InteropServices;
using NanoFlow.Native;

namespace NanoFlow.Native.Tests;

internal sealed unsafe class EchoEngine : IDisposable
{
    public const uint Vocab = 50;

    private static readonly byte* Architecture = (byte*)Marshal.StringToCoTaskMemUTF8("echo");

    public EchoEngine()
    {
        var options = Options();
        var spec = Spec();
        NfEngine* engine;
        Check(NativeMethods.EngineCreate(&options, &spec, &engine));
        Pointer = engine;
        Check(NativeMethods.EngineReady(engine));
        Program = CreateProgram();
    }

    public NfEngine* Pointer { get; }

    public NfProgram* Program { get; }

    public static string LastError => Marshal.PtrToStringUTF8((nint)NativeMethods.LastError())!;

    public static NfEngineOptions Options() => new()
    {
        StructSize = (uint)sizeof(NfEngineOptions),
        DeviceKind = (uint)NfDeviceKind.Reference,
        MaxStepRows = 16,
        MaxSequences = 4,
        MaxPositions = 64,
        PageTokens = 16,
        NumSlots = 2,
    };

    public static NfModelSpec Spec() => new()
    {
        StructSize = (uint)sizeof(NfModelSpec),
        Architecture = Architecture,
        Vocab = Vocab,
    };

    public static void Check(NfStatus status) =>
        Assert.True(status == NfStatus.Ok, $"{status}: {LastError}");

    public NfStepBuffers Map(uint slot)
    {
        NfStepBuffers buffers;
        Check(NativeMethods.StepMap(Pointer, slot, &buffers));
        return buffers;
    }

    // One sequence with one row.
    public NfStatus Submit(uint slot, int token, uint position)
    {
        var buffers = Map(slot);
        buffers.Tokens[0] = token;
        buffers.Sequences[0] = new NfSequence
        {
            RowCount = 1,
            Position = position,
            Flags = (uint)NfSequenceFlag.Sample,
        };
        buffers.Sampling[0] = new NfSampling { TopP = 1, RepetitionPenalty = 1 };
        var shape = new NfStepShape { NumSequences = 1, NumDecode = 1, NumRows = 1 };
        return NativeMethods.StepSubmit(Pointer, slot, Program, &shape);
    }

    public int WaitForToken(uint slot)
    {
        NfStepResult result;
        NfStatus status;
        while ((status = NativeMethods.StepWait(Pointer, slot, 1_000_000, &result))
            == NfStatus.Timeout)
        {
        }
        Check(status);
        return result.Tokens[0];
    }

    public void Dispose() => NativeMethods.EngineDestroy(Pointer);

    private NfProgram* CreateProgram()
    {
        var partition = new NfPartition { NumUnits = 1 };
        var lane = default(NfLane);
        var nanoOp = new NfNanoOp { Segment = (ushort)NfSegment.Epilogue, RowEnd = 1 };
        var plan = new NfPlan
        {
            StructSize = (uint)sizeof(NfPlan),
            StepRows = 1,
            NumPartitions = 1,
            NumLanes = 1,
            NumNanoOps = 1,
            Partitions = &partition,
            Lanes = &lane,
            NanoOps = &nanoOp,
        };
        NfProgram* program;
        Check(NativeMethods.ProgramCreate(Pointer, &plan, &program));
        return program;
    }
}
