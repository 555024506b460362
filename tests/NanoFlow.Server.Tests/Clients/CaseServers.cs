// The servers that cases name. Where a case needs a server in trouble, it gets one of its own.

using Microsoft.Extensions.Logging;
using NanoFlow.Engine;

namespace NanoFlow.Server.Tests.Clients;

public sealed class CaseServers : IAsyncLifetime
{
    private EchoHost _open = null!;
    private NanoFlowServer _guarded = null!;
    private StoryHost? _story;
    private RandomHost? _random;

    public async ValueTask InitializeAsync()
    {
        _open = await EchoHost.StartAsync(
            new EngineOptions { MaxModelLength = EchoServer.ContextLength },
            prepare: AlphabetModel.Prepare);
        _guarded = await _open.AddServerAsync(new ServerOptions { ApiKeys = ["right"] });
    }

    public async ValueTask DisposeAsync()
    {
        await _open.DisposeAsync();
        await (_story?.DisposeAsync() ?? ValueTask.CompletedTask);
        await (_random?.DisposeAsync() ?? ValueTask.CompletedTask);
    }

    /// <summary>Runs a case against the server that it names.</summary>
    internal Task RunAsync(string server, Func<CaseServer, Task> run) => server switch
    {
        "open" => run(new CaseServer(_open.Server.Address)),
        "guarded" => run(new CaseServer(_guarded.Address)),
        "thinking" => ThinkingAsync(run),
        "story" => StoryAsync(run),
        "random" => RandomAsync(run),
        "tools" => ToolsAsync(run),
        "full" => FullAsync(run),
        "freed" => FreedAsync(run),
        "silent" => SilentAsync(run),
        "waiting" => WaitingAsync(run),
        "draining" => DrainingAsync(run),
        "failing" => FailingAsync(run, choices: 1),
        "failing_16" => FailingAsync(run, choices: 16),
        "left" => LeftAsync(run),
        _ => throw new ArgumentException($"no server '{server}'"),
    };

    // What it says makes no sense, unless it is held to a grammar.
    private async Task RandomAsync(Func<CaseServer, Task> run)
    {
        if (_random is null)
        {
            _random = new RandomHost();
            await _random.InitializeAsync();
        }

        await run(new CaseServer(_random.Address));
    }

    // Asked "ask" it calls a function, told "told" it answers.
    private static async Task ToolsAsync(Func<CaseServer, Task> run)
    {
        var script = new ScriptedModel
        {
            Template = "{{ messages[-1]['content'] }}{# tools <tool_call> #}",
        };
        script.AddScript(
            [
                "Let me ", "look.", "\n<tool_", "call>\n{\"name\": \"wea", "ther\", \"argu",
                "ments\": {\"ci", "ty\": \"Oslo\"}", "}\n</tool_call>",
            ],
            cue: "ask");
        script.AddScript(["It ", "rains."], cue: "told");
        await using var host = await EchoHost.StartAsync(new EngineOptions(), script: script);
        await run(new CaseServer(host.Server.Address));
    }

    // Its template opens the thoughts; it recites them, and then an answer.
    private static async Task ThinkingAsync(Func<CaseServer, Task> run)
    {
        var script = new ScriptedModel
        {
            Template = "{{ messages[-1]['content'] }}<think>",
            Reasoning = ReasoningMode.Think,
        };
        script.AddScript(["a", "b", "</think>", "c", "d"], cue: "<think>");
        await using var host = await EchoHost.StartAsync(new EngineOptions(), script: script);
        await run(new CaseServer(host.Server.Address));
    }

    private async Task StoryAsync(Func<CaseServer, Task> run)
    {
        _story ??= await StoryHost.StartAsync();
        await run(new CaseServer(_story.Address));
    }

    // No place is left in the queue.
    private static async Task FullAsync(Func<CaseServer, Task> run)
    {
        await using var busy = await BusyHost.StartAsync(places: 1);
        await busy.HoldAsync(choices: 1);
        await run(new CaseServer(busy.Host.Server.Address));
    }

    // The same, until it has refused once.
    private static async Task FreedAsync(Func<CaseServer, Task> run)
    {
        using var log = new LogWatch(" 429 ");
        await using var busy = await BusyHost.StartAsync(
            places: 1,
            new ServerOptions { ConfigureLogging = logging => logging.AddProvider(log) });
        await busy.HoldAsync(choices: 1);
        await run(new CaseServer(busy.Host.Server.Address)
        {
            Meanwhile = async done =>
            {
                await log.Seen.WaitAsync(done);
                await busy.FreeAsync();
            },
        });
    }

    // Takes requests and does not answer.
    private static async Task SilentAsync(Func<CaseServer, Task> run)
    {
        await using var busy = await BusyHost.StartAsync(places: 1);
        var held = busy.Known;
        await run(new CaseServer(busy.Host.Server.Address)
        {
            Afterwards = async () =>
            {
                await busy.UntilAsync(() => busy.Known == held);
                await busy.CheckIdleAsync();
            },
        });
    }

    // Answers after other streams that wait beside the client's have been sent comments.
    private static async Task WaitingAsync(Func<CaseServer, Task> run)
    {
        await using var busy = await BusyHost.StartAsync(
            places: 2, new ServerOptions { KeepAlive = TimeSpan.FromMilliseconds(20) });
        var held = busy.Known;
        await run(new CaseServer(busy.Host.Server.Address)
        {
            Meanwhile = async done =>
            {
                await busy.UntilAsync(() => busy.Known == held + 1, done);
                using var beside = await OpenStreamAsync(busy.Host);
                for (var comments = 0; comments < 3;)
                {
                    comments += await beside.ReadLineAsync(done) == ": keep-alive" ? 1 : 0;
                }

                await busy.FreeAsync();
            },
        });
    }

    private static async Task<StreamReader> OpenStreamAsync(EchoHost host)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = EchoHost.Json("""{"prompt":"a","stream":true}"""),
        };
        var response = await host.Client.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead);
        return new StreamReader(await response.Content.ReadAsStreamAsync());
    }

    // Lets a running request come to its end, and takes no other.
    private static async Task DrainingAsync(Func<CaseServer, Task> run)
    {
        await using var busy = await BusyHost.StartAsync(places: 1);
        var stop = busy.Host.Server.StopAsync(CancellationToken.None);
        await run(new CaseServer(busy.Host.Server.Address)
        {
            Afterwards = async () =>
            {
                await busy.FreeAsync();
                await stop;
            },
        });
    }

    // Its engine fails while it answers all choices of a request.
    private static async Task FailingAsync(Func<CaseServer, Task> run, int choices)
    {
        await using var busy = await BusyHost.StartIdleAsync(places: 1);
        await run(new CaseServer(busy.Host.Server.Address)
        {
            Meanwhile = async done =>
            {
                // All choices are taken before: one that came later would be refused instead.
                await busy.UntilAsync(
                    () => busy.Host.Engine.Counters is { GeneratedTokens: > 0 } counters
                        && counters.Running + counters.Waiting >= choices,
                    done);
                busy.Host.Engine.Dispose();
            },
        });
    }

    // Answers others when its client has gone.
    private static async Task LeftAsync(Func<CaseServer, Task> run)
    {
        await using var busy = await BusyHost.StartIdleAsync(places: 1);
        await run(new CaseServer(busy.Host.Server.Address)
        {
            Afterwards = async () =>
            {
                var answer = await busy.Host.PostAsync("/v1/completions", """{"prompt":"a"}""");
                Assert.Equal(200, answer.Status);
                await busy.CheckIdleAsync();
            },
        });
    }
}
