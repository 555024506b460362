// Each rule finds what it is there to find, and leaves alone what only looks like it.

using NanoFlow.Bindings.Generator;

namespace NanoFlow.Tidy.Tests;

public sealed class RuleTests
{
    [Fact]
    public void LongLines_OneTooLong_NamesTheLine()
    {
        var text = new string('a', 100) + "\n" + new string('b', 101) + "\n";
        Assert.Equal(["src/A.cs(2): 101 columns"], FormRules.LongLines(new("src/A.cs", text)));
        Assert.Empty(FormRules.LongLines(new("src/A.g.cs", text)));
        Assert.Empty(FormRules.LongLines(new("docs/a.md", text)));
    }

    [Fact]
    public void LongFiles_OneLineTooMany_NamesTheFile()
    {
        var full = string.Concat(Enumerable.Repeat("x\n", FormRules.MaxFileLines));
        Assert.Empty(FormRules.LongFiles(new("a.cpp", full)));
        Assert.Equal(["a.cpp: 601 lines"], FormRules.LongFiles(new("a.cpp", full + "x\n")));
        Assert.Empty(FormRules.LongFiles(new("a.g.cpp", full + "x\n")));
    }

    [Theory]
    [InlineData("a.cs", "void F(int a)\n{\n", 91)]
    [InlineData("a.cpp", "int f(const T& x) noexcept {\n", 91)]
    [InlineData("a.cpp", "bool operator==(A a, A b) {\n", 91)]
    [InlineData("a.cpp", "#define X(a) {\\\n  a\nint f(int a = 1) {\n", 91)]
    [InlineData("native/cuda/k.cu", "__global__ void k(Args a) {\n", 201)]
    public void LongFunctions_BodyTooLong_IsFound(string path, string head, int lines)
    {
        var body = string.Concat(Enumerable.Repeat("  if (a()) { b(); }\n", lines - 2));
        Assert.Single(FormRules.LongFunctions(new(path, head + body + "}\n")));
        Assert.Empty(FormRules.LongFunctions(new(path, head + body[20..] + "}\n")));
    }

    [Theory]
    [InlineData("sealed class A(int b)\n{\n")]
    [InlineData("extern \"C\" {\n")]
    [InlineData("namespace nf {\n")]
    [InlineData("constexpr Row kTable[N(1)] = {\n")]
    public void LongFunctions_OtherBlocks_AreNotFunctions(string head)
    {
        var body = string.Concat(Enumerable.Repeat("  int a;\n", 300));
        Assert.Empty(FormRules.LongFunctions(new("a.cs", head + body + "}\n")));
    }

    [Theory]
    [InlineData("class PageManager {}", true)]
    [InlineData("struct KvUtils {}", true)]
    [InlineData("enum class StepHandler {}", true)]
    [InlineData("record struct EngineImpl(int A);", true)]
    [InlineData("class Base64Reader {}", false)]
    [InlineData("class Baseline {}", false)]
    [InlineData("// class PageManager", false)]
    [InlineData("var a = \"class PageManager\";", false)]
    public void BannedTypeNames_Sample_IsFoundWhenDeclared(string code, bool found) =>
        Assert.Equal(found, FormRules.BannedTypeNames(new("a.cs", code)).Any());

    [Fact]
    public void BannedFolderNames_Utils_IsFound()
    {
        Assert.Single(FormRules.BannedFolderNames("src/utils/A.cs"));
        Assert.Empty(FormRules.BannedFolderNames("src/pages/utils.cs"));
    }

    [Theory]
    [InlineData("a.cs", "// TODO: later", true)]
    [InlineData("a.cpp", "/* FIXME */", true)]
    [InlineData("a.sh", "# HACK", true)]
    [InlineData("a.cs", "var a = \"TODO\";", false)]
    [InlineData("a.cs", "var todo = 1;", false)]
    public void Markers_Sample_IsFoundOutsideLiterals(string path, string text, bool found) =>
        Assert.Equal(found, FormRules.Markers(new(path, text)).Any());

    [Theory]
    [InlineData("src/NanoFlow.Engine/A.cs", "DateTime.UtcNow;")]
    [InlineData("src/NanoFlow.Server/A.cs", "Environment.GetEnvironmentVariable(x);")]
    [InlineData("src/NanoFlow.Engine/A.cs", "Task.Run(f);")]
    [InlineData("tests/A.cs", "Thread.Sleep(1);")]
    [InlineData("src/NanoFlow.Server/A.cs", "Console.WriteLine();")]
    [InlineData("native/core/a.cpp", "printf(x);")]
    [InlineData("tests/native/a.cpp", "std::this_thread::sleep_for(x);")]
    public void Calls_WhereTheyAreBanned_AreFound(string path, string code)
    {
        Assert.Single(ApiRules.Offenders(new(path, code)));
        Assert.Empty(ApiRules.Offenders(new(path, $"// {code}")));
        Assert.Empty(ApiRules.Offenders(new(path, $"var a = \"{code}\";")));
    }

    [Theory]
    [InlineData("src/NanoFlow/Program.cs", "Console.WriteLine(); DateTime.UtcNow;")]
    [InlineData("src/NanoFlow.Server/A.cs", "Task.Run(f);")]
    [InlineData("native/core/a.cpp", "snprintf(x);")]
    public void Calls_WhereTheyAreAllowed_AreNotFound(string path, string code) =>
        Assert.Empty(ApiRules.Offenders(new(path, code)));

    [Theory]
    [InlineData("native/core/graph.cpp", "#include \"cpu/pool.h\"", true)]
    [InlineData("native/core/graph.cpp", "#include <unistd.h>", true)]
    [InlineData("native/core/graph.cpp", "#include \"op.h\"\n#include <vector>", false)]
    [InlineData("native/cpu/kernels/rope.cpp", "#include \"core/graph.h\"", true)]
    [InlineData("native/cpu/kernels/rope.cpp", "#include \"core/op.h\"", false)]
    [InlineData("native/cpu/kernels/rope.cpp", "# include <immintrin.h>", false)]
    [InlineData("native/models/llama.cpp", "#include \"../cpu/pool.h\"", true)]
    [InlineData("native/abi/nanoflow.cpp", "#include \"cpu/pool.h\"", false)]
    [InlineData("native/other/a.cpp", "", true)]
    public void Includes_Sample_FollowTheTable(string path, string text, bool found)
    {
        string[] paths = ["native/core/op.h", "native/core/graph.h", "native/cpu/pool.h"];
        Assert.Equal(found, IncludeRules.Offenders(new(path, text), paths.ToHashSet()).Any());
    }

    [Theory]
    [InlineData("NanoFlow.Scheduling", "NanoFlow.Engine", true)]
    [InlineData("NanoFlow.Server", "NanoFlow.Scheduling", true)]
    [InlineData("NanoFlow.Unheard", "NanoFlow.Engine", true)]
    [InlineData("NanoFlow.Server", "NanoFlow.Engine", false)]
    public void References_Sample_FollowTheTable(string project, string target, bool found)
    {
        var text = $"<Project><ProjectReference Include='../{target}/{target}.csproj'/></Project>";
        var file = new SourceFile($"src/{project}/{project}.csproj", text);
        Assert.Equal(found, ProjectRules.Offenders(file).Any());
    }

    [Theory]
    [InlineData("see `eng/gone.cmake`", true)]
    [InlineData("see `eng/test.cmake` and `./build.sh`", false)]
    [InlineData("see `test.cmake`", false)]
    [InlineData("a `PlanTable` is", false)]
    [InlineData("a `PlanChecker` is", true)]
    [InlineData("```\n`PlanChecker`\n```", false)]
    [InlineData("`--max-num-seqs`, `config.json`, `NanoFlow`", false)]
    public void Documents_Sample_NamesMustExist(string text, bool found)
    {
        string[] paths = ["eng/test.cmake", "build.sh"];
        var words = DocumentRules.WordsOf([new("a.cs", "namespace NanoFlow; class PlanTable;")]);
        var document = new SourceFile("docs/a.md", text);
        Assert.Equal(found, DocumentRules.Offenders(document, paths, words).Any());
    }

    [Fact]
    public void Scripts_Samples_YieldTheirTargets()
    {
        var shell = BuildRules.TargetsOfShell("case\n  serve)\n    x\n  build | test-all)\n  *)\n");
        var power = BuildRules.TargetsOfPowerShell(
            "    'serve' {\n      'no'\n    { @('build', 'test-all') -ccontains $_ } {\n");
        Assert.Equal(["build", "serve", "test-all"], shell);
        Assert.Equal(["build", "serve", "test-all"], power);
    }

    [Theory]
    [InlineData("NF_ROW(kRope, rope), NF_ROW(kGemm, gemm_avx2)", "gemm_avx2")]
    [InlineData("// NF_ROW(kRope, rope)", "no row")]
    [InlineData(
        "#define NF_TABLE(isa) { NF_ROW(kA, full_attention_##isa) }\nNF_TABLE(avx2); NF_TABLE(x)",
        "full_attention_x")]
    public void KernelTable_RowWithoutFile_IsFound(string text, string found)
    {
        string[] paths =
        [
            "native/cpu/kernels/rope.cpp", "native/cpu/kernels/attention_avx2.cpp",
            "native/reference/gemm_avx2.cpp",
        ];
        var table = new SourceFile("native/cpu/kernel_table.cpp", text);
        Assert.Contains(found, BuildRules.KernelsWithoutFile(table, paths.ToHashSet()).Single());
    }

    [Fact]
    public void Bindings_HashOfAnotherHeader_Differs()
    {
        var path = Path.GetTempFileName();
        File.WriteAllText(path, "int a;\r\nint b;\r\n");
        var hash = HeaderOrigin.Hash(path);
        Assert.Equal(hash, BuildRules.HashIn(new HeaderOrigin("a.h", hash).Banner));
        File.WriteAllText(path, "int a;\nint b;\n");
        Assert.Equal(hash, HeaderOrigin.Hash(path));
        File.WriteAllText(path, "int a;\nint c;\n");
        Assert.NotEqual(hash, HeaderOrigin.Hash(path));
        File.Delete(path);
        Assert.Null(BuildRules.HashIn("int a;\nint b;\n"));
    }
}
