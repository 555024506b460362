// Rules about what the build is made of: the two scripts name the same targets, generated bindings
// belong to the header that is there, and each row of a kernel table has a source file of its stem.

using System.Text.RegularExpressions;

namespace NanoFlow.Tidy.Tests;

public static partial class BuildRules
{
    public static IEnumerable<string> TargetsOfShell(string script) =>
        ShellCase().Matches(script)
            .SelectMany(match => match.Groups[1].Value.Split('|', StringSplitOptions.TrimEntries))
            .Order(StringComparer.Ordinal);

    public static IEnumerable<string> TargetsOfPowerShell(string script) =>
        PowerShellCase().Matches(script)
            .SelectMany(match => Quoted().Matches(match.Value))
            .Select(match => match.Groups[1].Value)
            .Order(StringComparer.Ordinal);

    /// <summary>The hash that a generated file says it was made from.</summary>
    public static string? HashIn(string generated) =>
        Hash().Match(string.Join('\n', generated.Split('\n')[..2])) is { Success: true } match
            ? match.Groups[1].Value
            : null;

    [GeneratedRegex(@"^  ([a-z-]+(?: \| [a-z-]+)*)\)$", RegexOptions.Multiline)]
    private static partial Regex ShellCase();

    [GeneratedRegex(@"^    (?:'[a-z-]+' \{|\{ @\([^)]*\) -ccontains.*)$", RegexOptions.Multiline)]
    private static partial Regex PowerShellCase();

    [GeneratedRegex("'([a-z-]+)'")]
    private static partial Regex Quoted();

    [GeneratedRegex("^// sha256 ([0-9a-f]{64})$", RegexOptions.Multiline)]
    private static partial Regex Hash();
}
