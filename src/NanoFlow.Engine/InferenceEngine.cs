// One device, one model: takes generations, runs them together, reports how it does. The face of
// the engine; its work is done by EngineLoop on a thread of its own.

using NanoFlow.Planning;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine;

public sealed class InferenceEngine : IDisposable
{
    private readonly RequestQueue _queue;
    private readonly EngineLoop _loop;
    private readonly TimeSpan _stallAfter;
    private readonly ulong _seed;
    private long _seedsGiven;
    private int _isDisposed;

    internal InferenceEngine(EngineParts parts, EngineOptions options)
    {
        Facts = parts.Facts;
        _stallAfter = options.StallAfter;
        _seed = options.Seed ?? (ulong)Random.Shared.NextInt64();
        _queue = new RequestQueue(options);
        _loop = new EngineLoop(parts.Executor, parts.Plans, parts.Limits, _queue);
        _loop.Start();
    }

    /// <summary>What was loaded: vocabulary, limits, device, memory.</summary>
    public EngineFacts Facts { get; }

    public EngineCounters Counters => _loop.Counters;

    /// <summary>Why the engine failed; null while it has not.</summary>
    public Exception? Failure => _loop.Failure;

    public EngineHealth Health =>
        _loop.Failure is not null ? EngineHealth.Failed
        : _loop.SinceBeat > _stallAfter ? EngineHealth.Stalled
        : EngineHealth.Healthy;

    /// <summary>Loads a model and starts its engine.</summary>
    /// <exception cref="EngineException">It does not fit, or cannot be loaded here.</exception>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static InferenceEngine Load(
        EngineModel model,
        EngineOptions options,
        Action<LoadProgress>? progress = null,
        Action<PlanningProgress>? planning = null)
    {
        options.Validate();
        var parts = EngineLoader.Load(model, options, progress, planning);
        return new InferenceEngine(parts, options);
    }

    /// <summary>What loading would take, without doing it.</summary>
    /// <exception cref="EngineException">It does not fit.</exception>
    public static MemoryPlan PlanMemory(EngineModel model, EngineOptions options) =>
        EngineLoader.PlanMemory(model, options);

    /// <summary>Any thread. What is accepted ends exactly once, with a reason.</summary>
    /// <exception cref="ArgumentException">Too long, or a token outside the
    /// vocabulary.</exception>
    /// <exception cref="InvalidOperationException">It was submitted before.</exception>
    public SubmitOutcome TrySubmit(Generation generation)
    {
        generation.Request.Validate(Facts);
        generation.Attach(_queue, _loop, Facts.HiddenSize);
        var outcome = _queue.TryEnqueue(generation);
        if (outcome != SubmitOutcome.Accepted)
        {
            generation.Detach();
        }
        return outcome;
    }

    /// <summary>A seed for a request that names none. With EngineOptions.Seed the n-th is always
    /// the same.</summary>
    public ulong NextSeed()
    {
        var x = _seed + (ulong)Interlocked.Increment(ref _seedsGiven) * 0x9e3779b97f4a7c15;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
        x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
        return x ^ (x >> 31);
    }

    /// <summary>Takes nothing new and completes when everything accepted has ended; after the time
    /// limit what is left is cancelled.</summary>
    public async Task DrainAsync(TimeSpan timeout)
    {
        _queue.Close(SubmitOutcome.Draining);
        try
        {
            await _loop.Drained.WaitAsync(timeout);
        }
        catch (TimeoutException)
        {
            _loop.CancelAll();
            await _loop.Drained;
        }
    }

    /// <summary>Cancels what is left, waits for the device and frees it.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _loop.Dispose();
        }
    }
}

/// <summary>What an engine is made of.</summary>
internal sealed record EngineParts(
    IStepExecutor Executor, PlanTable Plans, SchedulerOptions Limits, EngineFacts Facts);

/// <param name="MaxModelLength">Prompt and output together, in tokens.</param>
/// <param name="Graph">What plans for this model are made of.</param>
public sealed record EngineFacts(
    int VocabSize, int MaxModelLength, DeviceFacts Device, MemoryPlan Memory, GraphFacts Graph)
{
    /// <summary>Elements of a hidden state; 0: the model has none.</summary>
    public int HiddenSize { get; init; }

    public PlanFacts Plans { get; init; } = PlanFacts.Sequential;

    /// <summary>For what plans and costs of this engine hold.</summary>
    public Origin Origin => EngineLoader.OriginOf(Graph, Device);
}
