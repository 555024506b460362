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

    /// <summary>The names in kOpKindNames.</summary>
    public static IEnumerable<string> OpKinds(string header)
    {
        var begin = header.IndexOf("kOpKindNames[]", StringComparison.Ordinal);
        var end = header.IndexOf(';', begin);
        return DoubleQuoted().Matches(header[begin..end]).Select(match => match.Groups[1].Value);
    }

    /// <summary>
    /// A row of a kernel table, NF_ROW(kKind, name), names its kernel. The file lies in the folder
    /// of the table and is called like the kernel, or like the end of its name when one file holds
    /// several kinds: decode_attention_avx2 is in attention_avx2.
    /// </summary>
    public static IEnumerable<string> KernelsWithoutFile(
        SourceFile table, IReadOnlySet<string> paths)
    {
        var folder = table.Path[..^table.Name.Length] + "kernels/";
        var kernels = KernelsOf(CodeText.CodeOnly(table.Text)).ToList();
        return kernels.Count == 0
            ? [$"{table.Path}: has no row of the form NF_ROW(kKind, name)"]
            : kernels.Where(kernel => !Ends(kernel).Any(stem =>
                    paths.Contains($"{folder}{stem}.cpp") || paths.Contains($"{folder}{stem}.cu")))
                .Select(kernel => $"{table.Path}: no source file for {kernel}");
    }

    // Names may end in ##parameter of NF_TABLE(parameters); each use of NF_TABLE fills it in.
    private static IEnumerable<string> KernelsOf(string code)
    {
        var uses = TableUse().Matches(code).Select(Arguments).ToList();
        var parameters = uses.FirstOrDefault() ?? [];
        foreach (Match row in KernelRow().Matches(code))
        {
            var index = Array.IndexOf(parameters, row.Groups[2].Value);
            if (index < 0)
            {
                yield return row.Groups[1].Value;
                continue;
            }
            foreach (var use in uses.Skip(1)) // the first is the definition
            {
                yield return row.Groups[1].Value + use[index];
            }
        }
    }

    private static string[] Arguments(Match use) =>
        use.Groups[1].Value.Split(',', StringSplitOptions.TrimEntries);

    // a_b_c, b_c, c
    private static IEnumerable<string> Ends(string name)
    {
        var words = name.Split('_');
        return words.Select((_, index) => string.Join('_', words[index..]));
    }

    [GeneratedRegex(@"\bNF_ROW\(k[A-Z]\w*,\s*(\w+?)(?:##(\w+))?\)")]
    private static partial Regex KernelRow();

    [GeneratedRegex(@"\bNF_TABLE\(([\w, ]+)\)")]
    private static partial Regex TableUse();

    [GeneratedRegex(@"^  ([a-z-]+(?: \| [a-z-]+)*)\)$", RegexOptions.Multiline)]
    private static partial Regex ShellCase();

    [GeneratedRegex(@"^    (?:'[a-z-]+' \{|\{ @\([^)]*\) -ccontains.*)$", RegexOptions.Multiline)]
    private static partial Regex PowerShellCase();

    [GeneratedRegex("'([a-z-]+)'")]
    private static partial Regex Quoted();

    [GeneratedRegex("\"(\\w+)\"")]
    private static partial Regex DoubleQuoted();

    [GeneratedRegex("^// sha256 ([0-9a-f]{64})$", RegexOptions.Multiline)]
    private static partial Regex Hash();
}
