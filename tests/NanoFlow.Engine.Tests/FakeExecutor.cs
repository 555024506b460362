// A device that echoes: the token after t is t + 1. It can be held, so that tests own the time, and
// told to fail at its n-th call. It runs on the engine's thread and counts what that allocates.

using System.Collections.Concurrent;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine.Tests;

internal sealed class FakeExecutor : IStepExecutor, IStepWriter
{
    public const int Vocab = 1000;

    private readonly Pending[] _slots = [new(), new()];
    private readonly int[] _lastTokens = new int[1024];
    private readonly ManualResetEventSlim _open = new(true);
    private Pending _current = null!;
    private int _calls;
    private long _allocated;
    private int _steps;

    /// <summary>The n-th call fails, counted from 1 over Submit, Release and TryWait.</summary>
    public int FailAtCall { get; init; } = int.MaxValue;

    /// <summary>Microseconds that a step takes by a plan; null: none.</summary>
    public Func<StepInfo, int, long>? Time { get; init; }

    /// <summary>Steps of which allocations are counted together; 0: none are.</summary>
    public int WindowSteps { get; init; }

    /// <summary>Bytes that the engine's thread allocated in each window.</summary>
    public ConcurrentQueue<long> Windows { get; } = new();

    public int SlotCount => _slots.Length;

    public int Calls => Volatile.Read(ref _calls);

    public int Disposed { get; private set; }

    /// <summary>Steps do not complete until Resume.</summary>
    public void Hold() => _open.Reset();

    public void Resume() => _open.Set();

    public IStepWriter Begin(int slot)
    {
        _current = _slots[slot];
        _current.Count = 0;
        return this;
    }

    public void Add(
        Sequence sequence, SequencePart part, ReadOnlySpan<int> pages, ReadOnlySpan<int> tokens)
    {
        for (var i = 0; i < part.Scores; i++)
        {
            // Like the native echo: scores tell the token itself, and what it should have been.
            var target = sequence.Tokens[part.Position + i + 1];
            _current.Samples[_current.Count++] = (part.Slot, tokens[i], target);
        }
        if (part.Samples)
        {
            _current.Samples[_current.Count++] = (part.Slot, tokens[^1], null);
        }
    }

    public void Submit(int slot, in StepInfo step, int plan)
    {
        CountCall();
        _slots[slot].Microseconds = Time?.Invoke(step, plan) ?? 0;
        if (WindowSteps > 0 && ++_steps % WindowSteps == 0)
        {
            Windows.Enqueue(GC.GetAllocatedBytesForCurrentThread() - _allocated);
            _allocated = GC.GetAllocatedBytesForCurrentThread();
        }
    }

    public void Release(int slot) => CountCall();

    public bool TryWait(int slot, TimeSpan timeout, StepResults results)
    {
        if (!_open.Wait(timeout))
        {
            return false;
        }
        CountCall();
        var step = _slots[slot];
        results.Count = step.Count;
        results.DeviceMicroseconds = step.Microseconds;
        for (var i = 0; i < step.Count; i++)
        {
            var (deviceSlot, token, target) = step.Samples[i];
            var last = token < 0 ? _lastTokens[deviceSlot] : token;
            var next = (last + 1) % Vocab;
            if (target is null)
            {
                _lastTokens[deviceSlot] = next;
            }
            results.Tokens[i] = target ?? next;
            results.LogProbs[i] = -(target ?? next);
            for (var k = 0; k < EngineLimits.LogProbs; k++)
            {
                results.TopTokens[i * EngineLimits.LogProbs + k] = next + k;
                results.TopLogProbs[i * EngineLimits.LogProbs + k] = -next - k;
            }
        }
        return true;
    }

    /// <summary>A state that tells the slot.</summary>
    public void ReadPooled(int sequenceSlot, Span<float> state) => state.Fill(sequenceSlot + 1);

    public void Dispose() => Disposed++;

    private void CountCall()
    {
        if (Interlocked.Increment(ref _calls) == FailAtCall)
        {
            throw new EngineException("planted failure");
        }
    }

    private sealed class Pending
    {
        public (int Slot, int Token, int? Target)[] Samples { get; } =
            new (int, int, int?)[1024];

        public int Count { get; set; }

        public long Microseconds { get; set; }
    }
}
