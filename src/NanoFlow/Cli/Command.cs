// A command of the program, and what the user gave it.

namespace NanoFlow.Cli;

/// <param name="Name">One or two words.</param>
/// <param name="Argument">What stands for its argument in help; null when it takes none.</param>
internal sealed record Command(
    string Name,
    string? Argument,
    string Summary,
    IReadOnlyList<Flag> Flags,
    Func<Given, Task<int>> Run);

/// <summary>The argument and the flags of a command, read and within their ranges.</summary>
internal sealed class Given(string? argument, IReadOnlyDictionary<Flag, List<object>> values)
{
    public string Argument => argument!;

    public bool Has(Flag flag) => values.ContainsKey(flag);

    public T Get<T>(Flag<T> flag, T fallback)
        where T : notnull => values.TryGetValue(flag, out var list) ? (T)list[^1] : fallback;

    public T? GetOrNull<T>(Flag<T> flag)
        where T : struct => values.TryGetValue(flag, out var list) ? (T)list[^1] : null;

    public string? GetOrNull(Flag<string> flag) =>
        values.TryGetValue(flag, out var list) ? (string)list[^1] : null;

    public IReadOnlyList<T> All<T>(Flag<T> flag)
        where T : notnull =>
        values.TryGetValue(flag, out var list) ? list.Cast<T>().ToArray() : [];
}
