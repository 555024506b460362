// The way from the threads of requests to the engine's thread: arrivals and cancellations, both
// without locks. It also holds the limits of what may wait for admission, so that a full queue is
// told to the client at once, on the client's own thread.
//
// Closing. A producer first counts itself in and then looks whether the queue is closed; the
// engine closes first and then looks at the count. So one of them sees the other, and nothing
// accepted is ever left behind.

using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace NanoFlow.Engine;

[SuppressMessage(
    "Design",
    "CA1001",
    Justification = "A late Cancel may still set the event; it goes with its last reference.")]
internal sealed class RequestQueue(EngineOptions options)
{
    private readonly int _maxRequests = options.MaxQueuedRequests;
    private readonly long _maxTokens = options.MaxQueuedTokens;
    private readonly ConcurrentQueue<Generation> _arrivals = new();
    private readonly ConcurrentQueue<Generation> _cancels = new();
    private readonly AutoResetEvent _wake = new(false);
    private int _requests; // accepted and not admitted
    private long _tokens;  // of their prompts
    private int _closed = (int)SubmitOutcome.Accepted;

    public int WaitingCount => Volatile.Read(ref _requests);

    /// <summary>Any thread.</summary>
    public SubmitOutcome TryEnqueue(Generation generation)
    {
        var outcome = TakePlace(generation.PromptTokenCount);
        if (outcome != SubmitOutcome.Accepted)
        {
            return outcome;
        }
        generation.IsQueued = true;
        _arrivals.Enqueue(generation);
        _wake.Set();
        return SubmitOutcome.Accepted;
    }

    /// <summary>Any thread. The generation was accepted before, or is about to be.</summary>
    public void Cancel(Generation generation)
    {
        _cancels.Enqueue(generation);
        _wake.Set();
    }

    /// <summary>It was admitted, or has ended before.</summary>
    public void Leave(Generation generation)
    {
        if (generation.IsQueued)
        {
            generation.IsQueued = false;
            GiveUpPlace(generation.PromptTokenCount);
        }
    }

    public bool TryTakeArrival(out Generation generation) =>
        _arrivals.TryDequeue(out generation!);

    public bool TryTakeCancel(out Generation generation) => _cancels.TryDequeue(out generation!);

    /// <summary>Refuses everything from now on; a failure is not overwritten.</summary>
    public void Close(SubmitOutcome answer)
    {
        if (Volatile.Read(ref _closed) != (int)SubmitOutcome.Failed)
        {
            Interlocked.Exchange(ref _closed, (int)answer);
        }
        _wake.Set();
    }

    /// <summary>Nothing more will come: closed, and nobody is on the way in.</summary>
    public bool IsDrained =>
        Volatile.Read(ref _closed) != (int)SubmitOutcome.Accepted
        && Volatile.Read(ref _requests) == 0;

    public void WakeUp() => _wake.Set();

    /// <summary>Sleeps until something arrives.</summary>
    public void WaitForWork() => _wake.WaitOne();

    private SubmitOutcome TakePlace(int promptTokens)
    {
        var requests = Interlocked.Increment(ref _requests);
        var tokens = Interlocked.Add(ref _tokens, promptTokens);
        var closed = (SubmitOutcome)Volatile.Read(ref _closed);
        var outcome = closed != SubmitOutcome.Accepted ? closed
            : requests > _maxRequests ? SubmitOutcome.QueueFull
            : tokens > _maxTokens && tokens > promptTokens ? SubmitOutcome.TokenQueueFull
            : SubmitOutcome.Accepted;
        if (outcome != SubmitOutcome.Accepted)
        {
            GiveUpPlace(promptTokens);
            _wake.Set();
        }
        return outcome;
    }

    private void GiveUpPlace(int promptTokens)
    {
        Interlocked.Add(ref _tokens, -promptTokens);
        Interlocked.Decrement(ref _requests);
    }
}
