// Flags of several commands.

using NanoFlow.Cli;

namespace NanoFlow.Commands;

internal static class CommonFlags
{
    public static readonly Flag<bool> Json = new(
        "--json", null, "true or false", "off",
        "print one JSON object instead of a table",
        Read.Switch);
}
