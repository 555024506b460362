// The program: finds the command, runs it, and turns every expected failure into one line.

using System.Reflection;
using NanoFlow;
using NanoFlow.Cli;
using NanoFlow.Commands;
using NanoFlow.Engine;
using NanoFlow.Models;
using NanoFlow.Tokenization;

const int Failed = 1;
const int BadUsage = 2;

Command[] commands = [.. CommandTable.All];
if (args is [] or ["--help"] or ["-h"] or ["help"])
{
    Console.Write(HelpText.Of(commands));
    return args is [] ? BadUsage : 0;
}

if (args is ["--version"])
{
    var version = Assembly.GetExecutingAssembly()
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
    Console.WriteLine($"nanoflow {version}");
    return 0;
}

var name = "nanoflow";
try
{
    var (command, rest) = CommandLine.Find(commands, args);
    name = $"nanoflow {command.Name}";
    if (rest.Contains("--help") || rest.Contains("-h"))
    {
        Console.Write(HelpText.Of(command));
        return 0;
    }

    var given = CommandLine.Parse(command, rest, Environment.GetEnvironmentVariable);
    return await command.Run(given);
}
catch (UsageException e)
{
    return Say(e, BadUsage);
}
catch (ArgumentException e) when (e.ParamName is null)
{
    // The engine's own check of its options, which also sees how they fit together.
    return Say(e, BadUsage);
}
catch (Exception e) when (e is CommandException or EngineException or ModelFormatException
    or TokenizerFormatException or ChatTemplateException or IOException
    or UnauthorizedAccessException)
{
    return Say(e, Failed);
}

int Say(Exception e, int exitCode)
{
    // Only the engine calls options by names of its own.
    var message = e is EngineException or ArgumentException
        ? EngineFlags.InWordsOfFlags(e.Message)
        : EngineFlags.OnOneLine(e.Message);
    Console.Error.WriteLine($"{name}: {message}");
    return exitCode;
}
