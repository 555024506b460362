// nanoflow serve MODEL: loads a model, answers requests until told to stop, lets those that run
// come to their end.

using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using NanoFlow.Cli;
using NanoFlow.Engine;
using NanoFlow.Models;
using NanoFlow.Server;
using NanoFlow.Server.Tools;
using NanoFlow.Tokenization;

namespace NanoFlow.Commands;

internal static class ServeCommand
{
    public static Command Command { get; } = new(
        "serve",
        "MODEL",
        "Serves a model, a folder or a GGUF file, over the OpenAI protocol.",
        [.. ServeFlags.All, .. EngineFlags.All],
        RunAsync);

    private static async Task<int> RunAsync(Given given)
    {
        var options = HttpOptions(given);
        CheckPort(options);
        var source = ModelSource.Open(given.Argument);
        var tokenizer = ModelTokenizer.Load(source);
        var template = tokenizer.Config.ChatTemplate is { } text
            ? ChatTemplate.Parse(text)
            : null;
        var pooling = SentencePooling.Resolve(
            given.Get(ServeFlags.Pooling, PoolingMode.Auto), source);
        using var signals = new StopSignals();
        var device = ChosenDevice.Of(given);
        using var engine = EngineStart.Load(
            source, device, EngineFlags.Options(given, device), Console.Out);
        var names = given.All(ServeFlags.ServedModelName);
        using var model = new ServedModel
        {
            Names = names.Count > 0 ? names : [source.Name],
            VocabSize = engine.Facts.VocabSize,
            MaxModelLength = engine.Facts.MaxModelLength,
            Defaults = source.Generation,
            EndTokens = [.. source.Generation.EosTokenIds.Union(tokenizer.EosTokenIds)],
            Tokenizer = tokenizer,
            ChatTemplate = template,
            Reasoning = given.Get(ServeFlags.ReasoningParser, ReasoningMode.Auto),
            ToolCalls = given.Get(ServeFlags.ToolCallParser, ToolCallSyntax.Auto),
            Pooling = pooling,
            Created = DateTimeOffset.UtcNow,
        };
        await using var server = await NanoFlowServer.StartAsync(options, model, engine);
        Greeting.Write(server.Address, model, source.FullPath, options.ApiKeys.Count > 0);
        await signals.First;
        await StopAsync(server, signals, given);
        return 0;
    }

    private static ServerOptions HttpOptions(Given given) => ServeFlags.Options(given) with
    {
        ConfigureLogging = logging =>
        {
            logging.AddFilter("Microsoft", LogLevel.Warning);
            logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = "HH:mm:ss.fff ";
            });
            logging.Services.Configure<ConsoleLoggerOptions>(
                console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        },
    };

    // A wrong address is better known before gigabytes are read than after.
    private static void CheckPort(ServerOptions options)
    {
        if (!IPAddress.TryParse(options.ListenAddress, out var address))
        {
            throw new UsageException(
                $"--host: '{options.Host}' is not an address such as 127.0.0.1 or ::1");
        }

        using var probe = new TcpListener(address, options.Port);
        try
        {
            probe.Start();
        }
        catch (SocketException e)
        {
            throw new CommandException(
                $"cannot listen on {options.Host} port {options.Port}: {e.Message}; "
                + "choose another with --port");
        }
    }

    private static async Task StopAsync(NanoFlowServer server, StopSignals signals, Given given)
    {
        var seconds = given.Get(ServeFlags.ShutdownTimeout, ServeFlags.DefaultShutdownSeconds);
        Console.WriteLine(
            $"stopping: running requests have {seconds} s to end; a second signal stops at once");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(signals.Second);
        limit.CancelAfter(TimeSpan.FromSeconds(seconds));
        await server.StopAsync(limit.Token);
        Console.WriteLine("stopped");
    }
}
