// A client that runs cases and says what it saw, without judging.

using System.Text.Json.Nodes;

namespace NanoFlow.Server.Tests.Clients;

internal interface IClientRunner
{
    /// <summary>As the list of cases calls it.</summary>
    string Name { get; }

    Task<JsonObject> RunAsync(ClientCase item, string address);
}
