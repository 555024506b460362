using System.Text;
using NanoFlow.Planning;

namespace NanoFlow.Engine.Tests;

public sealed class PlanCacheTests : IDisposable
{
    private static readonly Origin Here = new(0xabc, "cpu/avx2/8/a processor: v1", "0.1.0");

    private readonly string _folder = Directory.CreateTempSubdirectory("nanoflow-cache").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Paths_GraphAndDevice_TellFilesApart()
    {
        var cache = new PlanCache(_folder);
        string[] paths =
        [
            cache.PlanPath(Here),
            cache.CostPath(Here),
            cache.PlanPath(Here with { Graph = 1 }),
            cache.PlanPath(Here with { Device = "cpu/avx2/4/a processor: v1" }),
        ];

        Assert.Equal(4, paths.Distinct().Count());
        Assert.All(paths, path => Assert.Equal(_folder, Path.GetDirectoryName(path)));
        Assert.Matches("^plan-0000000000000abc-[0-9a-f]{16}[.]json$", Path.GetFileName(paths[0]));
        Assert.StartsWith("costs-", Path.GetFileName(paths[1]), StringComparison.Ordinal);
        // A new version replaces the file of the old one.
        Assert.Equal(paths[0], cache.PlanPath(Here with { Version = "0.2.0" }));
    }

    [Theory]
    [InlineData("NANOFLOW_CACHE=/a/b;XDG_CACHE_HOME=/c", "/a/b")]
    [InlineData("NANOFLOW_CACHE=;XDG_CACHE_HOME=/c", "/c/nanoflow")]
    [InlineData("XDG_CACHE_HOME=relative", null)]
    [InlineData("", null)]
    public void OfUser_Variables_NameTheFolder(string variables, string? expected)
    {
        var given = variables.Split(';', StringSplitOptions.RemoveEmptyEntries)
            .ToDictionary(text => text.Split('=')[0], text => text.Split('=')[1]);
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        expected ??= Path.Combine(home, ".cache", "nanoflow");

        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(expected, PlanCache.OfUser(given.GetValueOrDefault).Folder);
        }
    }

    [Fact]
    public void Write_FileThatIsThere_IsReplacedWhole()
    {
        var path = Path.Combine(_folder, "deep", "er", "plan.json");
        PlanCache.Write(path, "a first, longer text"u8);
        PlanCache.Write(path, "second"u8);

        Assert.Equal("second", Encoding.UTF8.GetString(PlanCache.Read(path, 100)));
        Assert.Equal([path], Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public void Write_WhereAFolderIs_FailsAndLeavesNothing()
    {
        var path = Path.Combine(_folder, "plan.json");
        Directory.CreateDirectory(path);

        Assert.ThrowsAny<Exception>(() => PlanCache.Write(path, "text"u8));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder));
    }

    [Theory]
    [InlineData(1_000, true)]
    [InlineData(1_001, false)]
    public void Read_Size_IsBounded(int bytes, bool isRead)
    {
        var path = Path.Combine(_folder, "plan.json");
        File.WriteAllBytes(path, new byte[bytes]);

        var error = Record.Exception(() => PlanCache.Read(path, 1_000));

        Assert.Equal(isRead, error is null);
        Assert.True(isRead || error is PlanFormatException);
    }

    // It has no size and no end.
    [Fact]
    public void Read_Device_IsBounded()
    {
        if (!OperatingSystem.IsWindows())
        {
            Assert.Throws<PlanFormatException>(() => PlanCache.Read("/dev/zero", 1 << 20));
        }
    }
}
