// Rules about the form of a file: lengths, names of types, leftovers. Each returns its offenders.

using System.Text.RegularExpressions;

namespace NanoFlow.Tidy.Tests;

public static partial class FormRules
{
    public const int MaxColumns = 100;
    public const int MaxFileLines = 600;
    public const int MaxFunctionLines = 90;
    public const int MaxDeviceFunctionLines = 200;
    public const long MaxFileBytes = 200 * 1024;

    private static readonly HashSet<string> BannedWords =
    [
        "Manager", "Helper", "Helpers", "Util", "Utils", "Utility", "Wrapper", "Factory", "Base",
        "Impl", "Processor", "Handler",
    ];

    private static readonly HashSet<string> BannedFolders =
        ["common", "utils", "helpers", "interfaces", "managers", "services"];

    public static IEnumerable<string> LongLines(SourceFile file) =>
        from row in file.Lines.Index()
        where (file.IsCSharp || file.IsNative) && !file.IsGenerated
        where row.Item.Length > MaxColumns
        select $"{file.Path}({row.Index + 1}): {row.Item.Length} columns";

    public static IEnumerable<string> LongFiles(SourceFile file)
    {
        var lines = file.Lines.Length - 1;
        return lines > MaxFileLines && !file.IsGenerated && file.Extension != ".md"
            ? [$"{file.Path}: {lines} lines"]
            : [];
    }

    public static IEnumerable<string> LongFunctions(SourceFile file)
    {
        if (file.IsGenerated || !(file.IsCSharp || file.IsNative))
        {
            return [];
        }
        var limit = file.IsIn("native/cuda/") ? MaxDeviceFunctionLines : MaxFunctionLines;
        return Functions.Of(CodeText.CodeOnly(file.Text))
            .Where(function => function.Lines > limit)
            .Select(function => $"{file.Path}({function.Line}): {function.Lines} lines");
    }

    public static IEnumerable<string> BannedTypeNames(SourceFile file) =>
        from Match match in TypeDeclaration().Matches(Code(file))
        let name = match.Groups[1].Value
        where Words().Matches(name).Any(word => BannedWords.Contains(word.Value))
        select $"{file.Path}: type {name}";

    public static IEnumerable<string> BannedFolderNames(string path) =>
        path.Split('/')[..^1].Where(BannedFolders.Contains).Select(folder => $"{path}: {folder}");

    public static IEnumerable<string> Markers(SourceFile file)
    {
        var text = file.IsCSharp || file.IsNative ? CodeText.WithComments(file.Text) : file.Text;
        return file.Extension == ".md"
            ? []
            : MarkerWord().Matches(text).Select(match => $"{file.Path}: {match.Value}");
    }

    /// <summary>Code for the rules about code; nothing for other files.</summary>
    internal static string Code(SourceFile file) =>
        (file.IsCSharp || file.IsNative) && !file.IsGenerated ? CodeText.CodeOnly(file.Text) : "";

    [GeneratedRegex(@"\b(?:class|struct|record|interface|enum|union)\s+([A-Z]\w*)")]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex("[A-Z][a-z0-9]*")]
    private static partial Regex Words();

    [GeneratedRegex(@"\b(?:TODO|FIXME|XXX|HACK)\b")]
    private static partial Regex MarkerWord();
}
