// The list of cases, run by each official client against the real server over sockets.

namespace NanoFlow.Server.Tests.Clients;

public sealed class ClientCaseTests
{
    // Longer ones are cut in reports of tests.
    private const int MaxNameChars = 50;

    private static readonly string[] Clients = ["dotnet", "node", "python"];

    [Fact]
    public void Cases_AreManyAndEachIsRunByAClientInCi()
    {
        Assert.True(ClientCase.All.Count >= 40);
        Assert.All(
            ClientCase.All,
            item => Assert.Contains(
                Clients.SkipLast(1), client => item.ReasonAgainst(client) is null));
    }

    [Fact]
    public void Cases_HaveNamesThatReportsShow()
    {
        Assert.DoesNotContain(ClientCase.All, item => item.Name.Length > MaxNameChars);
    }

    [Fact]
    public void Cases_EachExpectsSomethingOfEveryClient()
    {
        Assert.All(
            ClientCase.All,
            item => Assert.All(
                Clients, client => Assert.NotEmpty(item.ExpectationsFor(client))));
    }
}

public sealed class DotnetCaseTests(CaseServers servers) : IClassFixture<CaseServers>
{
    public static TheoryData<string> Cases => ClientCase.NamesFor("dotnet");

    [Theory]
    [MemberData(nameof(Cases))]
    public Task Dotnet_Case_SeesWhatItMust(string name) =>
        CaseRun.CheckAsync(name, new DotnetRunner(), servers);
}

public sealed class NodeCaseTests(NodeClient node, CaseServers servers)
    : IClassFixture<NodeClient>, IClassFixture<CaseServers>
{
    public static TheoryData<string> Cases => ClientCase.NamesFor("node");

    [Theory]
    [MemberData(nameof(Cases))]
    public Task Node_Case_SeesWhatItMust(string name) =>
        CaseRun.CheckAsync(name, node.Runner, servers);
}

public sealed class PythonCaseTests(PythonClient python, CaseServers servers)
    : IClassFixture<PythonClient>, IClassFixture<CaseServers>
{
    // One row says that there is no Python; one for each case would bury other skipped tests.
    public static TheoryData<string> Cases => PythonClient.Command is null
        ? [ClientCase.All.First().Name]
        : ClientCase.NamesFor("python");

    [Theory]
    [MemberData(nameof(Cases))]
    public Task Python_Case_SeesWhatItMust(string name) =>
        CaseRun.CheckAsync(name, python.Runner, servers);
}
