// How long the host needs between two steps: from the moment the device is done with step n to the
// moment step n+2 is submitted. Printed, never asserted. Everything is real but the device.

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NanoFlow.Native;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine.Tests;

public class ControlPlaneTimeTests(ITestOutputHelper output)
{
    private const int Sequences = 64;
    private const int NewTokens = 2_000;
    private const int PromptTokens = 100;

    private static readonly SchedulerOptions Limits = new()
    {
        MaxSequences = Sequences,
        MaxStepRows = 512,
        MaxPositions = 4096,
        PageTokens = 32,
        PageCount = 64 * 128,
    };

    [Fact]
    public async Task Steps_SixtyFourSequencesDecode_TimeIsPrinted()
    {
        var executor = new InstantExecutor();
        using var queue = new EngineRig(executor);
        var generations = Enumerable.Range(0, Sequences)
            .Select(i => FakeEngine.Generation(i, NewTokens, PromptTokens)).ToArray();
        Assert.All(generations, g => Assert.Equal(SubmitOutcome.Accepted, queue.Submit(g)));

        var counts = await Task.WhenAll(generations.Select(g => Stream(g, executor)));

        Assert.All(counts, count => Assert.Equal(NewTokens, count));
        var times = executor.FullSteps;
        times.Sort();
        Assert.True(times.Count > NewTokens / 2, $"only {times.Count} steps had all sequences");
        output.WriteLine(
            $"host time a step, {Sequences} sequences decoding and streaming, {times.Count} steps: "
            + $"median {times[times.Count / 2]:F1} us, 90 % {times[times.Count * 9 / 10]:F1} us, "
            + $"99 % {times[times.Count * 99 / 100]:F1} us");
    }

    private static async Task<int> Stream(Generation generation, InstantExecutor executor)
    {
        var count = 0;
        while (await generation.WaitAsync())
        {
            while (generation.TryRead(out _))
            {
                count++;
                executor.OnRead();
            }
        }
        return count;
    }

    private sealed class EngineRig : IDisposable
    {
        private readonly RequestQueue _queue = new(new EngineOptions());
        private readonly EngineLoop _loop;

        public EngineRig(IStepExecutor executor)
        {
            _loop = new EngineLoop(executor, FakeEngine.NoPlans, Limits, _queue);
            _loop.Start();
        }

        public SubmitOutcome Submit(Generation generation)
        {
            generation.Attach(_queue, _loop, hiddenSize: 0);
            return _queue.TryEnqueue(generation);
        }

        public void Dispose() => _loop.Dispose();
    }

    // A step completes as soon as all readers have what came before, so that each of them waits and
    // has to be woken. Steps are written through the writer of the native core.
    private sealed unsafe class InstantExecutor : IStepExecutor
    {
        private readonly NativeStepWriter[] _writers = [NewWriter(), NewWriter()];
        private readonly int[] _samples = new int[2];
        private long _done;
        private long _delivered;
        private long _read;

        public int SlotCount => 2;

        public List<double> FullSteps { get; } = new(NewTokens);

        public void OnRead() => Interlocked.Increment(ref _read);

        public IStepWriter Begin(int slot)
        {
            _writers[slot].Clear();
            return _writers[slot];
        }

        public void Submit(int slot, in StepInfo step, int plan)
        {
            if (step.DecodeCount == Sequences && _done != 0)
            {
                FullSteps.Add(Stopwatch.GetElapsedTime(_done).TotalMicroseconds);
            }
            _samples[slot] = step.SampleCount;
        }

        public void Release(int slot)
        {
        }

        public bool TryWait(int slot, TimeSpan timeout, StepResults results)
        {
            if (!SpinWait.SpinUntil(
                () => Interlocked.Read(ref _read) == _delivered, FakeEngine.Limit))
            {
                throw new EngineException("a reader is stuck");
            }
            results.Count = _samples[slot];
            _delivered += results.Count;
            results.Tokens.AsSpan(0, results.Count).Fill(7);
            _done = Stopwatch.GetTimestamp();
            return true;
        }

        public void ReadPooled(int sequenceSlot, Span<float> state) => state.Clear();

        public void Dispose()
        {
        }

        private static NativeStepWriter NewWriter() => new(
            new NfStepBuffers
            {
                Tokens = Pinned<int>(Limits.MaxStepRows),
                Sequences = Pinned<NfSequence>(Limits.MaxSequences),
                Pages = (uint*)Pinned<int>(Limits.MaxSequences * 128),
                Sampling = Pinned<NfSampling>(Limits.MaxSequences),
                Bias = Pinned<NfBias>(Limits.MaxSequences * EngineLimits.Bias),
                PagesCapacity = (uint)Limits.MaxSequences * 128,
            },
            Limits);

        // For the life of the process, like the buffers of a device.
        private static T* Pinned<T>(int count)
            where T : unmanaged =>
            (T*)NativeMemory.AllocZeroed((nuint)count, (nuint)Unsafe.SizeOf<T>());
    }
}
