using System.Runtime.InteropServices;
using NanoFlow.Native;

namespace NanoFlow.Native.Tests;

public sealed unsafe class EngineTests
{
    [Fact]
    public void Library_Version_IsTheBindings() =>
        Assert.Equal((uint)NfVersion.AbiVersion, NativeMethods.AbiVersion());

    [Fact]
    public void NullArguments_AreRefusedByName()
    {
        var options = EchoEngine.Options();
        var spec = EchoEngine.Spec();
        NfEngine* engine;
        NfMemory memory;
        Refused(NativeMethods.EngineCreate(null, &spec, &engine), "options");
        Refused(NativeMethods.EngineCreate(&options, null, &engine), "spec");
        Refused(NativeMethods.EngineCreate(&options, &spec, null), "out");
        Refused(NativeMethods.MemoryPlan(&options, &spec, null), "out");
        Refused(NativeMethods.MemoryPlan(null, &spec, &memory), "options");
        Refused(NativeMethods.EngineReady(null), "engine");
        NativeMethods.EngineDestroy(null);
        NativeMethods.ProgramDestroy(null, null);
    }

    [Fact]
    public void Options_OutOfRange_NameTheFieldAndTheRange()
    {
        Refused(options => options with { StructSize = 0 }, "struct_size");
        Refused(options => options with { MaxStepRows = 0 }, "max_step_rows");
        Refused(options => options with { MaxSequences = 1 << 20 }, "max_sequences");
        Refused(options => options with { MaxPositions = 0 }, "max_positions");
        Refused(options => options with { PageTokens = 17 }, "page_tokens");
        Refused(options => options with { NumSlots = 5 }, "num_slots");
    }

    [Fact]
    public void Device_NotInThisBuild_IsUnsupported()
    {
        var options = EchoEngine.Options() with { DeviceKind = 99 };
        var spec = EchoEngine.Spec();
        NfEngine* engine;
        Assert.Equal(
            NfStatus.Unsupported, NativeMethods.EngineCreate(&options, &spec, &engine));
        Assert.True(engine == null);
    }

    [Fact]
    public void Architecture_Unknown_ListsTheKnownOnes()
    {
        var name = Marshal.StringToCoTaskMemUTF8("PalmForCausalLM");
        var options = EchoEngine.Options();
        var spec = EchoEngine.Spec() with { Architecture = (byte*)name };
        NfEngine* engine;
        Assert.Equal(
            NfStatus.Unsupported, NativeMethods.EngineCreate(&options, &spec, &engine));
        Assert.Contains("LlamaForCausalLM", EchoEngine.LastError, StringComparison.Ordinal);
        Marshal.FreeCoTaskMem(name);
    }

    [Fact]
    public void Engine_WithoutItsWeights_IsNotReady()
    {
        var architecture = Marshal.StringToCoTaskMemUTF8("LlamaForCausalLM");
        var options = EchoEngine.Options() with { NumPages = 8 };
        var spec = EchoEngine.Spec() with
        {
            Architecture = (byte*)architecture,
            NumLayers = 1,
            Hidden = 32,
            Intermediate = 32,
            NumHeads = 2,
            NumKvHeads = 1,
            HeadDim = 16,
            RopeTheta = 10000,
            RmsNormEps = 1e-5f,
        };
        NfEngine* engine;
        EchoEngine.Check(NativeMethods.EngineCreate(&options, &spec, &engine));
        Refused(NativeMethods.EngineReady(engine), "model.embed_tokens.weight was not loaded");
        uint count;
        EchoEngine.Check(NativeMethods.WeightCount(engine, &count));
        Assert.Equal(12u, count);
        var source = new NfTensorSource
        {
            StructSize = (uint)sizeof(NfTensorSource),
            Dtype = (uint)NfDtype.Bf16,
            NumBytes = 3,
        };
        Refused(NativeMethods.WeightLoad(engine, 0, &source), "has 3 bytes, expected 3200");
        Refused(NativeMethods.WeightLoad(engine, count, &source), "out of range");
        NativeMethods.EngineDestroy(engine);
        Marshal.FreeCoTaskMem(architecture);
    }

    private static void Refused(NfStatus status, string message)
    {
        Assert.Equal(NfStatus.InvalidArgument, status);
        Assert.Contains(message, EchoEngine.LastError, StringComparison.Ordinal);
    }

    private static void Refused(Func<NfEngineOptions, NfEngineOptions> change, string message)
    {
        var options = change(EchoEngine.Options());
        var spec = EchoEngine.Spec();
        NfEngine* engine;
        Refused(NativeMethods.EngineCreate(&options, &spec, &engine), message);
    }
}
