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

    /// <summary>
    /// A row of a kernel table names its kernel; the file of that name lies in the table's folder.
    /// </summary>
    public static IEnumerable<string> KernelsWithoutFile(
        SourceFile table, IReadOnlySet<string> paths)
    {
        var folder = table.Path[..^table.Name.Length] + "kernels/";
        var rows = KernelRow().Matches(CodeText.WithoutComments(table.Text));
        return rows.Count == 0
            ? [$"{table.Path}: no row looks like {{OpKind::kName, \"name\""]
            : rows.Select(row => folder + row.Groups[1].Value)
                .Where(stem => !paths.Contains(stem + ".cpp") && !paths.Contains(stem + ".cu"))
                .Select(stem => $"{table.Path}: no source file {stem}");
    }

    [GeneratedRegex(@"\{\s*OpKind::k\w+,\s*""(\w+)""")]
    private static partial Regex KernelRow();

    [GeneratedRegex(@"^  ([a-z-]+(?: \| [a-z-]+)*)\)$", RegexOptions.Multiline)]
    private static partial Regex ShellCase();

    [GeneratedRegex(@"^    (?:'[a-z-]+' \{|\{ @\([^)]*\) -ccontains.*)$", RegexOptions.Multiline)]
    private static partial Regex PowerShellCase();

    [GeneratedRegex("'([a-z-]+)'")]
    private static partial Regex Quoted();

    [GeneratedRegex("^// sha256 ([0-9a-f]{64})$", RegexOptions.Multiline)]
    private static partial Regex Hash();
}
