// Names in the documents must exist: files as a path or its end, types as a word of the code.

using System.Text.RegularExpressions;

namespace NanoFlow.Tidy.Tests;

public static partial class DocumentRules
{
    public static bool IsDocument(SourceFile file) =>
        file.Path == "README.md" || (file.IsIn("docs/") && file.Extension == ".md");

    public static IEnumerable<string> Offenders(
        SourceFile document, IReadOnlyCollection<string> paths, IReadOnlySet<string> words) =>
        from Match span in CodeSpan().Matches(Fence().Replace(document.Text, ""))
        let name = span.Groups[1].Value
        where (FileName().IsMatch(name) && !FileExists(name, paths))
            || (TypeName().IsMatch(name) && !words.Contains(name))
        select $"{document.Path}: `{name}` does not exist";

    /// <summary>All words of the code, the set that type names are looked up in.</summary>
    public static HashSet<string> WordsOf(IEnumerable<SourceFile> sources) =>
    [
        .. sources.Where(file => file.Extension != ".md")
            .SelectMany(file => Word().Matches(file.Text))
            .Select(match => match.Value),
    ];

    private static bool FileExists(string name, IReadOnlyCollection<string> paths) =>
        paths.Any(path => path == name.TrimStart('.', '/')
            || path.EndsWith("/" + name.TrimStart('.', '/'), StringComparison.Ordinal));

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex CodeSpan();

    [GeneratedRegex("^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"^[\w./-]+\.(?:cs|h|cpp|c|cu|cuh|csproj|proj|targets|props|cmake|sh|ps1|md)$")]
    private static partial Regex FileName();

    [GeneratedRegex("^[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+$")]
    private static partial Regex TypeName();

    [GeneratedRegex(@"\b[A-Z]\w+\b")]
    private static partial Regex Word();
}
