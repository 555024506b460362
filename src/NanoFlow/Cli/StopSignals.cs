// Ctrl-C and SIGTERM: the first asks for an orderly end, the second for an end at once.

using System.Runtime.InteropServices;

namespace NanoFlow.Cli;

internal sealed class StopSignals : IDisposable
{
    private readonly TaskCompletionSource _first =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly CancellationTokenSource _second = new();
    private readonly PosixSignalRegistration[] _registrations;

    public StopSignals()
    {
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
        ];
    }

    public Task First => _first.Task;

    public CancellationToken Second => _second.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _second.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (!_first.TrySetResult())
        {
            _second.Cancel();
        }
    }
}
