using NanoFlow.Native;

namespace NanoFlow.Native.Tests;

public sealed unsafe class StepTests
{
    [Fact]
    public void Step_OneRow_ReturnsTheNextToken()
    {
        using var engine = new EchoEngine();
        EchoEngine.Check(engine.Submit(0, 7, 0));
        EchoEngine.Check(NativeMethods.StepRelease(engine.Pointer, 0));
        Assert.Equal(8, engine.WaitForToken(0));
    }

    [Fact]
    public void Step_LookAhead_PatchesTheTokenOfTheStepBefore()
    {
        using var engine = new EchoEngine();
        EchoEngine.Check(engine.Submit(0, 48, 0));
        EchoEngine.Check(engine.Submit(1, -1, 1));
        EchoEngine.Check(NativeMethods.StepRelease(engine.Pointer, 0));
        EchoEngine.Check(NativeMethods.StepRelease(engine.Pointer, 1));
        Assert.Equal(49, engine.WaitForToken(0));
        Assert.Equal(0, engine.WaitForToken(1));
    }

    [Fact]
    public void Step_NotReleased_WaitsAndTimesOut()
    {
        using var engine = new EchoEngine();
        EchoEngine.Check(engine.Submit(0, 3, 0));
        NfStepResult result;
        Assert.Equal(
            NfStatus.Timeout, NativeMethods.StepWait(engine.Pointer, 0, 2_000, &result));
        EchoEngine.Check(NativeMethods.StepRelease(engine.Pointer, 0));
        Assert.Equal(4, engine.WaitForToken(0));
    }

    [Fact]
    public void Engine_DestroyedWithStepsInFlight_ReturnsCleanly()
    {
        var engine = new EchoEngine();
        EchoEngine.Check(engine.Submit(0, 3, 0));
        EchoEngine.Check(engine.Submit(1, -1, 1));
        engine.Dispose();
    }

    [Theory]
    [InlineData(-2, 0u, "outside the vocabulary")]
    [InlineData(50, 0u, "outside the vocabulary")]
    [InlineData(1, 64u, "exceeds max_positions")]
    public void Submit_BadRow_IsRefusedAndTheSlotStaysUsable(
        int token, uint position, string message)
    {
        using var engine = new EchoEngine();
        Assert.Equal(NfStatus.InvalidArgument, engine.Submit(0, token, position));
        Assert.Contains(message, EchoEngine.LastError, StringComparison.Ordinal);
        EchoEngine.Check(engine.Submit(0, 7, 0));
        EchoEngine.Check(NativeMethods.StepRelease(engine.Pointer, 0));
        Assert.Equal(8, engine.WaitForToken(0));
    }

    [Fact]
    public void Submit_ShapeOutOfRange_NamesTheField()
    {
        using var engine = new EchoEngine();
        (NfStepShape Shape, string Message)[] cases =
        [
            (new() { NumSequences = 0 }, "num_sequences"),
            (new() { NumSequences = 5, NumRows = 5 }, "num_sequences"),
            (new() { NumSequences = 1, NumDecode = 2, NumRows = 1 }, "num_decode"),
            (new() { NumSequences = 1, NumRows = 17 }, "num_rows"),
            (new() { NumSequences = 1, NumRows = 2 }, "num_rows"),
            (new() { NumSequences = 1, NumRows = 1, NumPages = 10_000 }, "num_pages"),
        ];
        engine.Map(0).Sequences[0] = new NfSequence { RowCount = 1 };
        foreach (var (shape, message) in cases)
        {
            var copy = shape;
            Assert.Equal(
                NfStatus.InvalidArgument,
                NativeMethods.StepSubmit(engine.Pointer, 0, engine.Program, &copy));
            Assert.Contains(message, EchoEngine.LastError, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Slot_OutOfRangeOrNotInFlight_IsRefused()
    {
        using var engine = new EchoEngine();
        NfStepResult result;
        Assert.Equal(NfStatus.InvalidArgument, NativeMethods.StepRelease(engine.Pointer, 0));
        Assert.Equal(
            NfStatus.InvalidArgument, NativeMethods.StepWait(engine.Pointer, 2, 0, &result));
        Assert.Contains("slot 2", EchoEngine.LastError, StringComparison.Ordinal);
    }
}
