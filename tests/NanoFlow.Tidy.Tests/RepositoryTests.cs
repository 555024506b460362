// The rules, applied to this repository. What each rule means is proven in RuleTests.

using NanoFlow.Bindings.Generator;

namespace NanoFlow.Tidy.Tests;

public sealed class RepositoryTests
{
    private static readonly HashSet<string> Paths = [.. Repository.Paths];

    [Fact]
    public void Lines_AllSources_FitTheWidth() => NoneOf(FormRules.LongLines);

    [Fact]
    public void Files_AllSources_FitTheLength() => NoneOf(FormRules.LongFiles);

    [Fact]
    public void Functions_AllSources_FitTheLength() => NoneOf(FormRules.LongFunctions);

    [Fact]
    public void TypeNames_AllSources_SayWhatTheyDo() => NoneOf(FormRules.BannedTypeNames);

    [Fact]
    public void Folders_AllPaths_HaveAName() =>
        None(Repository.Paths.SelectMany(FormRules.BannedFolderNames));

    [Fact]
    public void Markers_AllSources_AreAbsent() => NoneOf(FormRules.Markers);

    [Fact]
    public void Calls_AllSources_AreAllowedWhereTheyStand() => NoneOf(ApiRules.Offenders);

    [Fact]
    public void Includes_NativeSources_PointOneWay() =>
        NoneOf(file => IncludeRules.Offenders(file, Paths));

    [Fact]
    public void References_Projects_PointOneWay() => NoneOf(ProjectRules.Offenders);

    [Fact]
    public void Documents_NamesInThem_Exist()
    {
        var words = DocumentRules.WordsOf(Repository.Sources);
        None(Repository.Sources.Where(DocumentRules.IsDocument)
            .SelectMany(file => DocumentRules.Offenders(file, Paths, words)));
    }

    [Fact]
    public void Files_OutsideGoldenAndSamples_AreSmall() =>
        None(from path in Repository.Paths
             where !path.StartsWith("tests/golden/", StringComparison.Ordinal)
                 && !path.StartsWith("samples/", StringComparison.Ordinal)
             let bytes = new FileInfo(Path.Combine(Repository.Root, path)).Length
             where bytes > FormRules.MaxFileBytes
             select $"{path}: {bytes} bytes");

    [Fact]
    public void Scripts_ShellAndPowerShell_NameTheSameTargets()
    {
        var shell = BuildRules.TargetsOfShell(Repository.Read("build.sh")).ToList();
        Assert.Contains("test", shell);
        Assert.Equal(shell, BuildRules.TargetsOfPowerShell(Repository.Read("build.ps1")));
    }

    [Fact]
    public void KernelTables_EveryRow_HasItsSourceFile() =>
        None(Repository.Sources.Where(IsKernelTable)
            .SelectMany(table => BuildRules.KernelsWithoutFile(table, Paths)));

    [Theory]
    [InlineData("bindings/NanoFlow.Native/Generated/NativeMethods.g.cs")]
    [InlineData("tests/native/layout.g.cpp")]
    public void Bindings_Generated_BelongToTheHeader(string path)
    {
        var header = Path.Combine(Repository.Root, "native/include/nanoflow.h");
        Assert.True(
            BuildRules.HashIn(Repository.Read(path)) == HeaderOrigin.Hash(header),
            $"{path} is not of this nanoflow.h: run ./build.sh bindings");
    }

    // A new kind of op changes nothing where plans are searched, measured or decided.
    [Fact]
    public void Planning_Sources_NameNoKindOfOp()
    {
        var kinds = BuildRules.OpKinds(Repository.Read("native/core/op.h")).ToList();
        Assert.Contains("gemm", kinds);
        None(from file in Repository.Sources
             where file.IsCSharp
                 && (file.IsIn("src/NanoFlow.Planning/")
                     || file.IsIn("src/NanoFlow.Engine/Measuring/"))
                 && !file.IsIn("src/NanoFlow.Planning/Analysis/")
             from line in file.Text.Split('\n')
             where !line.TrimStart().StartsWith("//", StringComparison.Ordinal)
             from kind in kinds
             where line.Contains($"\"{kind}\"", StringComparison.Ordinal)
             select $"{file.Path} names \"{kind}\"");
    }

    // The reference backend keeps its kernels in one file, for reading.
    private static bool IsKernelTable(SourceFile file) =>
        file.Name is "kernel_table.cpp" or "kernel_table.cu" && !file.IsIn("native/reference/");

    private static void NoneOf(Func<SourceFile, IEnumerable<string>> rule) =>
        None(Repository.Sources.SelectMany(rule));

    private static void None(IEnumerable<string> offenders)
    {
        var list = offenders.ToList();
        Assert.True(list.Count == 0, string.Join('\n', list.Prepend($"{list.Count} offenders:")));
    }
}
