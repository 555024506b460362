// The flags of `serve` that concern HTTP.

using NanoFlow.Cli;
using NanoFlow.Server;

namespace NanoFlow.Commands;

internal static class ServeFlags
{
    public const int DefaultShutdownSeconds = 30;

    private static readonly ServerOptions Defaults = new();

    public static readonly Flag<string> Host = new(
        "--host", "ADDRESS", "an address of this machine", Defaults.Host,
        "where to listen; 0.0.0.0 is every network",
        Read.Text);

    public static readonly Flag<int> Port = new(
        "--port", "N", "0 to 65535; 0 is any free port", $"{Defaults.Port}",
        "port to listen on",
        Read.Integer(0, 65535));

    public static readonly Flag<string> ServedModelName = new(
        "--served-model-name", "NAME", "a name", "that of the folder or file",
        "what clients call the model; the first is used in answers",
        Read.Text)
    { Repeats = true };

    public static readonly Flag<string> ApiKey = new(
        "--api-key", "KEY", "a secret", "none: everybody may ask",
        "key that clients must send; every path but /health asks for it",
        Read.Text)
    { Repeats = true };

    public static readonly Flag<int> ShutdownTimeout = new(
        "--shutdown-timeout", "SECONDS", "0 to 3600", $"{DefaultShutdownSeconds}",
        "how long running requests may take to end after Ctrl-C or SIGTERM",
        Read.Integer(0, 3600));

    public static IReadOnlyList<Flag> All { get; } =
        [Host, Port, ServedModelName, ApiKey, ShutdownTimeout];
}
