// Whether new work is taken, and how much is running: what a drain waits for.

namespace NanoFlow.Server;

public sealed class Lifecycle
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _idle =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private int _active;

    public bool Draining { get; private set; }

    /// <summary>Requests for text that are being answered.</summary>
    public int Active
    {
        get
        {
            lock (_gate)
            {
                return _active;
            }
        }
    }

    /// <summary>False when the server is draining; otherwise Leave must follow.</summary>
    public bool TryEnter()
    {
        lock (_gate)
        {
            if (!Draining)
            {
                _active++;
            }

            return !Draining;
        }
    }

    public void Leave()
    {
        lock (_gate)
        {
            _active--;
            CompleteWhenIdle();
        }
    }

    /// <summary>Takes nothing new from now on; completes when the last request has been answered.
    /// </summary>
    public Task DrainAsync()
    {
        lock (_gate)
        {
            Draining = true;
            CompleteWhenIdle();
        }

        return _idle.Task;
    }

    private void CompleteWhenIdle()
    {
        if (Draining && _active == 0)
        {
            _idle.TrySetResult();
        }
    }
}
