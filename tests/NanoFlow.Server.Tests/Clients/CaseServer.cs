// What stands before a client in one case: an address, what happens behind it while the client
// runs, and what must be true of the server afterwards.

namespace NanoFlow.Server.Tests.Clients;

internal sealed record CaseServer(string Address)
{
    /// <summary>Starts with the client; the token says that the client has finished.</summary>
    public Func<CancellationToken, Task> Meanwhile { get; init; } = _ => Task.CompletedTask;

    public Func<Task> Afterwards { get; init; } = () => Task.CompletedTask;
}
