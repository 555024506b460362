// The files of this repository as the rules see them: paths with '/', relative to the root, sorted.

using System.ComponentModel;
using System.Diagnostics;

namespace NanoFlow.Tidy.Tests;

public sealed record SourceFile(string Path, string Text)
{
    public string Name => System.IO.Path.GetFileName(Path);

    public string Extension => System.IO.Path.GetExtension(Path);

    /// <summary>Written by a program: exempt from the rules about form.</summary>
    public bool IsGenerated => Name.Contains(".g.", StringComparison.Ordinal);

    public bool IsCSharp => Extension == ".cs";

    public bool IsNative => Extension is ".h" or ".cpp" or ".c" or ".cu" or ".cuh";

    public bool IsTest => IsIn("tests/");

    public string[] Lines => Text.Split('\n');

    public bool IsIn(string folder) => Path.StartsWith(folder, StringComparison.Ordinal);
}

public static class Repository
{
    private static readonly string[] TextExtensions =
    [
        ".cs", ".h", ".cpp", ".c", ".cu", ".cuh", ".md", ".csproj", ".proj", ".props", ".targets",
        ".cmake", ".sh", ".ps1", ".py",
    ];

    public static string Root { get; } = FindRoot();

    /// <summary>Every file, tracked or about to be.</summary>
    public static IReadOnlyList<string> Paths { get; } =
        [.. (FromGit() ?? FromFolders()).Order(StringComparer.Ordinal)];

    /// <summary>The files that people read and write.</summary>
    public static IReadOnlyList<SourceFile> Sources { get; } =
    [
        .. Paths.Where(path => TextExtensions.Contains(Path.GetExtension(path)))
            .Select(path => new SourceFile(path, Read(path))),
    ];

    public static string Read(string path) =>
        File.ReadAllText(Path.Combine(Root, path)).ReplaceLineEndings("\n");

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "NanoFlow.sln")))
        {
            folder = Path.GetDirectoryName(folder)
                ?? throw new DirectoryNotFoundException("NanoFlow.sln is in no parent folder");
        }
        return folder;
    }

    private static List<string>? FromGit()
    {
        string[] arguments =
            ["-C", Root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        try
        {
            using var git = Process.Start(new ProcessStartInfo("git", arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var output = git.StandardOutput.ReadToEnd();
            git.WaitForExit();
            var paths = output.Split('\0', StringSplitOptions.RemoveEmptyEntries)
                .Where(path => File.Exists(Path.Combine(Root, path)))
                .Distinct()
                .ToList();
            return git.ExitCode == 0 && paths.Count > 0 ? paths : null;
        }
        catch (Win32Exception)
        {
            return null; // no git: an unpacked archive
        }
    }

    private static IEnumerable<string> FromFolders()
    {
        string[] skipped = ["artifacts", "bin", "obj", ".git", "TestResults"];
        return Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Where(path => !path.Split('/').Any(skipped.Contains));
    }
}
