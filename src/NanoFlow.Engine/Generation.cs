// One sequence as a request sees it: written by the engine's thread, read by one reader.
//
// Results are arrays that the request's thread allocates beforehand; the engine's thread fills them
// and then publishes the new count. A reader that finds nothing new arms _isArmed and gets a task;
// the engine's thread disarms it and queues this object, which is its own work item, so that the
// continuation runs on the thread pool and the engine allocates nothing. Whoever disarms completes
// the task: the engine, a cancellation token, or the reader itself when a token came in between.

using System.Diagnostics;
using System.Threading.Tasks.Sources;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine;

public sealed class Generation : ISequenceListener, IValueTaskSource<bool>, IThreadPoolWorkItem
{
    private const long Never = 0;

    // Tokens that have room for log-probabilities from the start. With 20 alternatives a token
    // takes 164 bytes; room for a whole long context in every waiting request would be too much.
    private const int FirstLogProbs = 256;

    private readonly int _topCount;
    private float[]? _logProbs;
    private TokenLogProb[]? _top; // [tokens, alternatives]
    private ManualResetValueTaskSourceCore<bool> _core;
    private CancellationTokenRegistration _registration;
    private CancellationToken _cancel;
    private RequestQueue? _queue;
    private StepResults? _results;
    private IStepExecutor? _executor;
    private float[]? _pooled;
    private int _isArmed;
    private int _cancelRequested;
    private int _published;
    private int _read;
    private int _endTokenIndex = -1;
    private bool _isFinished;
    private FinishReason _reason;
    private long _queuedAt;
    private long _admittedAt;
    private long _firstTokenAt;

    public Generation(GenerationRequest request)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(request.MaxNewTokens);
        Request = request;
        Sequence = new Sequence(request.Prompt.Span, request.MaxNewTokens, request.Sampling)
        {
            MinNewTokens = request.MinNewTokens,
            EndTokens = request.EndTokens,
            StopCondition = request.StopCondition,
            PromptLogProbs = request.PromptLogProbs,
            Pooling = request.Pooling,
            Constraint = request.Constraint,
            Listener = this,
        };
        if (request.PromptLogProbs is { } promptTop)
        {
            PromptScores = new PromptScores(request.Prompt.Length, promptTop);
        }
        if (request.Sampling.LogProbCount is { } count)
        {
            _topCount = count;
            var room = Math.Min(request.MaxNewTokens, FirstLogProbs);
            _logProbs = new float[room];
            _top = new TokenLogProb[room * count];
        }
    }

    public GenerationRequest Request { get; }

    /// <summary>Null when not asked for.</summary>
    public PromptScores? PromptScores { get; }

    /// <summary>The pooled hidden state of the prompt, once the generation has ended by itself;
    /// empty when not asked for.</summary>
    public ReadOnlyMemory<float> Pooled => _pooled;

    public int PromptTokenCount => Sequence.PromptLength;

    /// <summary>Tokens generated so far, an end token included.</summary>
    public int NewTokenCount => Volatile.Read(ref _published);

    /// <summary>Null while it waits or runs.</summary>
    public FinishReason? Reason => Volatile.Read(ref _isFinished) ? _reason : null;

    /// <summary>From submission to admission; null before.</summary>
    public TimeSpan? QueueTime => Elapsed(Volatile.Read(ref _admittedAt));

    /// <summary>From submission to the first token; null before.</summary>
    public TimeSpan? TimeToFirstToken => Elapsed(Volatile.Read(ref _firstTokenAt));

    internal Sequence Sequence { get; }

    internal bool IsCancelRequested => Volatile.Read(ref _cancelRequested) != 0;

    /// <summary>Its place in the queue is taken: prompt tokens wait for admission.</summary>
    internal bool IsQueued { get; set; }

    /// <summary>Waits for something to read. One reader, one wait at a time.</summary>
    /// <returns>True: TryRead has a token. False: all were read and Reason is known.</returns>
    /// <exception cref="OperationCanceledException">The wait was cancelled; the generation goes on
    /// unless <see cref="Cancel"/> is called.</exception>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (IsReady)
        {
            return new ValueTask<bool>(_read < NewTokenCount);
        }
        _core.Reset();
        _cancel = cancellationToken;
        Interlocked.Exchange(ref _isArmed, 1);
        if (IsReady && TryDisarm())
        {
            return new ValueTask<bool>(_read < NewTokenCount);
        }
        if (cancellationToken.CanBeCanceled)
        {
            _registration = cancellationToken.UnsafeRegister(
                static generation => ((Generation)generation!).CancelWait(), this);
        }
        return new ValueTask<bool>(this, _core.Version);
    }

    public bool TryRead(out GeneratedToken token)
    {
        var count = NewTokenCount;
        if (_read == count)
        {
            token = default;
            return false;
        }
        var index = _read++;
        token = new GeneratedToken(
            Sequence.TokenAt(PromptTokenCount + index),
            index == _endTokenIndex,
            _logProbs?[index],
            _top is null ? default : _top.AsMemory(index * _topCount, _topCount));
        return true;
    }

    /// <summary>Ends it as soon as the engine's thread gets to it. Any thread, any number of times;
    /// tokens that are there can still be read.</summary>
    public void Cancel()
    {
        if (Interlocked.Exchange(ref _cancelRequested, 1) == 0)
        {
            Volatile.Read(ref _queue)?.Cancel(this);
        }
    }

    /// <summary>Ties it to the engine it is submitted to.</summary>
    internal void Attach(RequestQueue queue, EngineLoop loop, int hiddenSize)
    {
        if (Interlocked.CompareExchange(ref _queue, queue, null) is not null)
        {
            throw new InvalidOperationException("A generation can be submitted once.");
        }
        _results = loop.Results;
        _executor = loop.Executor;
        _pooled = Request.Pooling == Pooling.None ? null : new float[hiddenSize];
        _queuedAt = Stopwatch.GetTimestamp();
    }

    /// <summary>It was refused, and may be submitted again.</summary>
    internal void Detach() => Volatile.Write(ref _queue, null);

    void ISequenceListener.OnAdmitted(Sequence sequence)
    {
        if (_admittedAt == Never)
        {
            Volatile.Write(ref _admittedAt, Stopwatch.GetTimestamp());
            _queue?.Leave(this);
        }
    }

    void ISequenceListener.OnPromptScore(Sequence sequence, int sample) =>
        PromptScores!.Add(_results!, sample);

    void ISequenceListener.OnPooled(Sequence sequence, int slot) =>
        _executor!.ReadPooled(slot, _pooled);

    void ISequenceListener.OnToken(Sequence sequence, int token, int sample, bool isEnd)
    {
        var index = _published;
        if (_logProbs is not null)
        {
            KeepLogProbs(index, sample);
        }
        if (isEnd)
        {
            _endTokenIndex = index;
        }
        if (index == 0)
        {
            Volatile.Write(ref _firstTokenAt, Stopwatch.GetTimestamp());
        }
        Volatile.Write(ref _published, index + 1);
        Signal();
    }

    void ISequenceListener.OnFinished(Sequence sequence, FinishReason reason)
    {
        _reason = reason;
        Volatile.Write(ref _isFinished, true);
        _queue?.Leave(this);
        Signal();
    }

    bool IValueTaskSource<bool>.GetResult(short token)
    {
        _registration.Dispose();
        _registration = default;
        return _core.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(
        Action<object?> continuation,
        object? state,
        short token,
        ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    // The arrays double when an answer turns out long; that, the tokens of the sequence, which do
    // the same, and blocks of prompt scores are all that the engine's thread ever allocates. A
    // reader may go on with the old arrays: what was published there does not change.
    private void KeepLogProbs(int index, int sample)
    {
        if (index == _logProbs!.Length)
        {
            var room = Math.Min(2L * index, Request.MaxNewTokens);
            Array.Resize(ref _logProbs, (int)room);
            Array.Resize(ref _top, checked((int)room * _topCount));
        }
        _logProbs[index] = _results!.LogProbs[sample];
        _results.CopyTop(sample, _top.AsSpan(index * _topCount, _topCount));
    }

    // Thread pool: the reader goes on here.
    void IThreadPoolWorkItem.Execute() => _core.SetResult(_read < NewTokenCount);

    private bool IsReady => _read < NewTokenCount || Volatile.Read(ref _isFinished);

    private bool TryDisarm() => Interlocked.Exchange(ref _isArmed, 0) == 1;

    private void Signal()
    {
        if (TryDisarm())
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    private void CancelWait()
    {
        if (TryDisarm())
        {
            _core.SetException(new OperationCanceledException(_cancel));
        }
    }

    private TimeSpan? Elapsed(long timestamp) =>
        timestamp == Never ? null : Stopwatch.GetElapsedTime(_queuedAt, timestamp);
}
