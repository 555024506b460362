// The direction of dependencies in native code, read from its #include lines.

using System.Text.RegularExpressions;

namespace NanoFlow.Tidy.Tests;

/// <summary>
/// Files below <paramref name="Folder"/> may include what starts with one of
/// <paramref name="Own"/>, and system headers that match <paramref name="System"/>.
/// </summary>
public sealed record IncludeRule(string Folder, string[] Own, string System);

public static partial class IncludeRules
{
    private const string Standard = "^[a-z_]+$";
    private const string StandardAndSimd = "^([a-z_]+|immintrin.h|cpuid.h|intrin.h)$";
    private const string Contract = "native/include/";

    // The first row whose folder contains the file applies. Standard headers of C++ have no suffix,
    // so everything else (POSIX, Windows, SIMD, CUDA) is told by its ".h".
    public static readonly IncludeRule[] Table =
    [
        new(Contract, [], "^stdint.h$"),
        new("native/core/", [Contract, "native/core/"], StandardAndSimd), // SIMD: the spin pause
        new("native/platform/", [Contract, "native/core/", "native/platform/"], ".*"),
        new("native/models/",
            [Contract, "native/core/", "native/platform/", "native/models/"], Standard),
        new("native/reference/",
            [Contract, "native/core/", "native/platform/", "native/reference/"], Standard),
        new("native/cpu/kernels/",
            [
                "native/core/op.h", "native/core/tensor.h", "native/core/batch.h",
                "native/core/block_formats.h", "native/core/int8.h",
                "native/core/check.h", "native/core/backend.h", "native/core/sampling.h",
                "native/core/penalty_counts.h", "native/core/pooling.h",
                "native/cpu/",
            ],
            StandardAndSimd),
        new("native/cpu/",
            [Contract, "native/core/", "native/platform/", "native/cpu/"], StandardAndSimd),
        new("native/bench/",
            [Contract, "native/core/", "native/platform/", "native/cpu/", "native/bench/"],
            StandardAndSimd),
        new("native/cuda/", [Contract, "native/core/", "native/platform/", "native/cuda/"], ".*"),
        new("native/abi/", ["native/"], Standard),
    ];

    public static IEnumerable<string> Offenders(SourceFile file, IReadOnlySet<string> paths)
    {
        var rule = Table.FirstOrDefault(row => file.IsNative && file.IsIn(row.Folder));
        if (rule is null)
        {
            return file.IsNative && file.IsIn("native/")
                ? [$"{file.Path}: its folder has no row in the table of includes"]
                : [];
        }
        return from Match match in Include().Matches(file.Text)
               let name = match.Groups[2].Value
               let isAllowed = match.Groups[1].Value == "<"
                   ? Regex.IsMatch(name, rule.System)
                   : rule.Own.Any(Resolve(file, name, paths).StartsWith)
               where !isAllowed
               select $"{file.Path}: includes {name}";
    }

    // As the compiler does: beside the file first, then along the include path.
    private static string Resolve(SourceFile file, string name, IReadOnlySet<string> paths)
    {
        var folder = file.Path[..(file.Path.LastIndexOf('/') + 1)];
        string[] candidates = [folder + name, "native/" + name, Contract + name];
        return candidates.FirstOrDefault(paths.Contains) ?? name;
    }

    [GeneratedRegex("""^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]""", RegexOptions.Multiline)]
    private static partial Regex Include();
}
