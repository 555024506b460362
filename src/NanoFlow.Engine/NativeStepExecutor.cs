// Steps on the native core: the only file that calls it on the step path.

using NanoFlow.Native;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine;

internal sealed unsafe class NativeStepExecutor : IStepExecutor
{
    private readonly NativeEngine _engine;
    private readonly nint[] _programs; // NfProgram*, by index of the plan
    private readonly NativeStepWriter[] _writers;

    /// <param name="programs">Of the plans that a step may run.</param>
    public NativeStepExecutor(
        NativeEngine engine, IReadOnlyList<nint> programs, SchedulerOptions limits, int slotCount)
    {
        _engine = engine;
        _programs = [.. programs];
        _writers = new NativeStepWriter[slotCount];
        for (var slot = 0u; slot < slotCount; slot++)
        {
            NfStepBuffers buffers;
            NativeException.ThrowIfFailed(
                NativeMethods.StepMap(engine.Pointer, slot, &buffers));
            _writers[slot] = new NativeStepWriter(buffers, limits);
        }
    }

    public int SlotCount => _writers.Length;

    public IStepWriter Begin(int slot)
    {
        _writers[slot].Clear();
        return _writers[slot];
    }

    public void Submit(int slot, in StepInfo step, int plan)
    {
        var shape = new NfStepShape
        {
            NumSequences = (uint)step.SequenceCount,
            NumDecode = (uint)step.DecodeCount,
            NumRows = (uint)step.RowCount,
            NumPages = (uint)step.PageCount,
        };
        var program = (NfProgram*)_programs[plan];
        NativeException.ThrowIfFailed(
            NativeMethods.StepSubmit(_engine.Pointer, (uint)slot, program, &shape));
    }

    public void Release(int slot)
    {
        _writers[slot].WriteConstraints();
        NativeException.ThrowIfFailed(
            NativeMethods.StepRelease(_engine.Pointer, (uint)slot));
    }

    public bool TryWait(int slot, TimeSpan timeout, StepResults results)
    {
        NfStepResult native;
        var status = NativeMethods.StepWait(
            _engine.Pointer, (uint)slot, (uint)timeout.TotalMicroseconds, &native);
        if (status == NfStatus.Timeout)
        {
            return false;
        }
        NativeException.ThrowIfFailed(status);
        Copy(native, results);
        return true;
    }

    public void ReadPooled(int sequenceSlot, Span<float> state)
    {
        fixed (float* first = state)
        {
            NativeException.ThrowIfFailed(NativeMethods.SequencePooled(
                _engine.Pointer, (uint)sequenceSlot, first, (uint)state.Length));
        }
    }

    public void Dispose() => _engine.Dispose();

    private static void Copy(NfStepResult native, StepResults results)
    {
        var count = (int)native.NumSamples;
        var top = count * EngineLimits.LogProbs;
        new ReadOnlySpan<int>(native.Tokens, count).CopyTo(results.Tokens);
        new ReadOnlySpan<float>(native.Logprobs, count).CopyTo(results.LogProbs);
        new ReadOnlySpan<int>(native.TopTokens, top).CopyTo(results.TopTokens);
        new ReadOnlySpan<float>(native.TopLogprobs, top).CopyTo(results.TopLogProbs);
        results.Count = count;
        results.DeviceMicroseconds = native.DeviceUs;
    }
}
