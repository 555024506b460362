// One case from its server to its verdict.

using System.Text.Json.Nodes;

namespace NanoFlow.Server.Tests.Clients;

internal static class CaseRun
{
    public static Task CheckAsync(string name, IClientRunner client, CaseServers servers)
    {
        var item = ClientCase.Find(name);
        return servers.RunAsync(item.Server, async server =>
        {
            var seen = await SeenAsync(item, client, server);
            var differences = item.ExpectationsFor(client.Name)
                .SelectMany(expected => Expectation.Differences(expected, seen));
            Assert.True(!differences.Any(), $"{string.Join('\n', differences)}\nin {seen}");
            await server.Afterwards();
        });
    }

    private static async Task<JsonObject> SeenAsync(
        ClientCase item, IClientRunner client, CaseServer server)
    {
        using var done = new CancellationTokenSource();
        var meanwhile = server.Meanwhile(done.Token);
        var seen = await client.RunAsync(item, server.Address);
        await done.CancelAsync();
        try
        {
            await meanwhile;
        }
        catch (OperationCanceledException)
        {
            // The client came to an end before; what it saw says whether it should have.
        }

        return seen;
    }
}
