// A flag of the command line: the one row from which its parsing, its environment variable, its
// line of help and its error messages come.

namespace NanoFlow.Cli;

/// <summary>Reads a value; false when the text is none or out of range.</summary>
internal delegate bool Reader<T>(string text, out T value);

/// <param name="Name">With its dashes, e.g. "--port".</param>
/// <param name="Value">What stands for the value in help; null for a switch.</param>
/// <param name="Range">What a message says is allowed.</param>
/// <param name="Default">As help shows it.</param>
internal abstract record Flag(
    string Name, string? Value, string Range, string Default, string Help)
{
    /// <summary>May be given several times; its variable then holds a comma-separated list.
    /// </summary>
    public bool Repeats { get; init; }

    /// <summary>Takes all words up to the next flag, each a value; may also be repeated.</summary>
    public bool TakesWords { get; init; }

    /// <summary>Its name in other programs that users come from; null when there is none.</summary>
    public string? Also { get; init; }

    public string Variable => "NANOFLOW_" + Name[2..].Replace('-', '_').ToUpperInvariant();

    /// <exception cref="UsageException">Not a value of this flag.</exception>
    public abstract object Parse(string text, string source);
}

internal sealed record Flag<T>(
    string Name, string? Value, string Range, string Default, string Help, Reader<T> Read)
    : Flag(Name, Value, Range, Default, Help)
    where T : notnull
{
    public override object Parse(string text, string source) => Read(text, out var value)
        ? value
        : throw new UsageException($"{source}: '{text}' is not {Range}");
}

/// <summary>The command line cannot be understood. One line; the process ends with 2.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>The command cannot be carried out. One line; the process ends with 1.</summary>
internal sealed class CommandException(string message) : Exception(message);
