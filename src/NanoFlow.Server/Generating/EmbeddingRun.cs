// The embeddings of one request: each input is a sequence of the engine that generates nothing.
// They are submitted as those before them end, so that a request of two thousand inputs leaves room
// for others. Leaving early, for whatever reason, cancels what still runs.

using NanoFlow.Engine;
using NanoFlow.Models;
using NanoFlow.Scheduling;
using NanoFlow.Server.Protocol;

namespace NanoFlow.Server.Generating;

internal sealed class EmbeddingRun(
    InferenceEngine engine, PoolingMode mode, int size, CancellationToken gone) : IDisposable
{
    private readonly Queue<Generation> _running = new();
    private readonly Pooling _pooling = mode switch
    {
        PoolingMode.First => Pooling.First,
        PoolingMode.Mean => Pooling.Mean,
        _ => Pooling.Last,
    };

    /// <summary>In the order of the inputs; length 1 each.</summary>
    public List<float[]> Embeddings { get; } = [];

    public async Task AddAsync(int[] tokens)
    {
        if (_running.Count == ServerLimits.EmbeddingWindow)
        {
            await TakeOldestAsync();
        }

        var generation = new Generation(new GenerationRequest
        {
            Prompt = tokens,
            MaxNewTokens = 0,
            Pooling = _pooling,
        });
        while (engine.TrySubmit(generation) is var outcome and not SubmitOutcome.Accepted)
        {
            // What runs already makes room; one that has nothing running is told to come back.
            var isFull = outcome is SubmitOutcome.QueueFull or SubmitOutcome.TokenQueueFull;
            if (!isFull || _running.Count == 0)
            {
                throw new RequestRefusedException(TextRun.Refusal(outcome));
            }

            await TakeOldestAsync();
        }

        _running.Enqueue(generation);
    }

    public async Task FinishAsync()
    {
        while (_running.Count > 0)
        {
            await TakeOldestAsync();
        }
    }

    public void Dispose()
    {
        foreach (var generation in _running)
        {
            generation.Cancel();
        }
    }

    private async Task TakeOldestAsync()
    {
        var generation = _running.Peek();
        await generation.WaitAsync(gone);
        if (generation.Reason != Scheduling.FinishReason.Length)
        {
            gone.ThrowIfCancellationRequested();
            throw new RequestRefusedException(
                ApiError.EngineFailed("the engine could not finish this request"));
        }

        _running.Dequeue();
        Embeddings.Add(Normalized(generation.Pooled.Span[..size]));
    }

    private static float[] Normalized(ReadOnlySpan<float> state)
    {
        var squares = 0.0;
        foreach (var value in state)
        {
            squares += (double)value * value;
        }

        var scale = squares > 0 ? 1 / Math.Sqrt(squares) : 0;
        var result = new float[state.Length];
        for (var i = 0; i < result.Length; i++)
        {
            result[i] = (float)(state[i] * scale);
        }

        return result;
    }
}
