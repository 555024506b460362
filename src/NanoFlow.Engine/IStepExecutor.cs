using NanoFlow.Scheduling;

namespace NanoFlow.Engine;

/// <summary>The border to the device on the step path: the native core, or a test's fake. One
/// thread. A failure of the device is an <see cref="EngineException"/> and final.</summary>
internal interface IStepExecutor : IDisposable
{
    /// <summary>Steps that can be in flight or being written.</summary>
    int SlotCount { get; }

    /// <summary>Opens a slot whose step is complete; the step is written into what it
    /// returns.</summary>
    IStepWriter Begin(int slot);

    /// <summary>Starts the step; it runs up to its sampling.</summary>
    /// <param name="plan">Index in the plan table.</param>
    void Submit(int slot, in StepInfo step, int plan);

    /// <summary>Lets it sample. All tokens before this step are committed by now, so this is where
    /// constraints of sequences are asked what may follow.</summary>
    void Release(int slot);

    /// <summary>Waits for the step of a slot. False: the time is over, call it again.</summary>
    bool TryWait(int slot, TimeSpan timeout, StepResults results);

    /// <summary>Copies the pooled hidden state of a sequence whose step has completed.</summary>
    /// <param name="sequenceSlot">The device slot it had.</param>
    /// <param name="state">As many elements as the model's hidden size.</param>
    void ReadPooled(int sequenceSlot, Span<float> state);
}
