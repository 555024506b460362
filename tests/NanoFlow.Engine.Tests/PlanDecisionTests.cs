// Which plans run, by what was asked for and what the cache holds.

using NanoFlow.Planning;

namespace NanoFlow.Engine.Tests;

public sealed class PlanDecisionTests : IDisposable
{
    // Lowering refuses a plan of so many rows, as the native core refuses one that leaves rows out.
    private const int BadRows = 13;

    private static readonly GraphFacts Graph = new(
        7, [new GraphOp(Segment.Layer, 0, "qkv", "gemm", ResourceKind.Compute, 1)]);

    private static readonly Origin Here = new(Graph.Hash, "a device", ProgramVersion.Text);

    private readonly PlanCache _cache = new(
        Directory.CreateTempSubdirectory("nanoflow-plans").FullName);

    private int _searches;

    private string Cached => _cache.PlanPath(Here);

    public void Dispose() => Directory.Delete(_cache.Folder, recursive: true);

    [Fact]
    public void Sequential_WithACachedFile_IsSequential()
    {
        Write(Cached, Here);
        AssertSequential(Decide(PlanChoice.Sequential));
    }

    [Fact]
    public void Cached_WithoutAFile_IsSequential() => AssertSequential(Decide(PlanChoice.Cached));

    [Fact]
    public void Cached_WithAFile_RunsItsPlans()
    {
        Write(Cached, Here);
        var decided = Decide(PlanChoice.Cached);

        Assert.Equal(Cached, decided.Facts.Path);
        Assert.Single(decided.Facts.Mixes);
        Assert.Equal([100, 64], decided.Programs.Select(program => (int)program));
        Assert.Null(decided.Facts.Warning);
    }

    public static TheoryData<string, Origin, int> Unfit => new()
    {
        { "graph", Here with { Graph = 8 }, 64 },
        { "device", Here with { Device = "another device" }, 64 },
        { "nanoflow", Here with { Version = "0.0.1" }, 64 },
        { "rows are left out", Here, BadRows },
    };

    [Theory]
    [MemberData(nameof(Unfit))]
    public void Cached_FileThatIsUnfit_IsSequentialWithAWarning(
        string reason, Origin origin, int rows)
    {
        Write(Cached, origin, rows);
        var decided = Decide(PlanChoice.Cached);

        Assert.Null(decided.Facts.Path);
        Assert.Single(decided.Table.Plans);
        Assert.Contains(Cached, decided.Facts.Warning, StringComparison.Ordinal);
        Assert.Contains(reason, decided.Facts.Warning, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Unfit))]
    public void File_ThatIsUnfit_IsRefused(string reason, Origin origin, int rows)
    {
        var path = Path.Combine(_cache.Folder, "mine.json");
        Write(path, origin, rows);
        var error = Assert.Throws<EngineException>(() => Decide(PlanChoice.File(path)));

        Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void File_TooLarge_IsRefused()
    {
        var path = Path.Combine(_cache.Folder, "mine.json");
        File.WriteAllBytes(path, new byte[PlanLimits.FileBytes + 1]);
        var error = Assert.Throws<EngineException>(() => Decide(PlanChoice.File(path)));
        Assert.Contains($"{PlanLimits.FileBytes} bytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Auto_Twice_SearchesOnceAndKeepsWhatWasFound()
    {
        var first = Decide(PlanChoice.Auto, Find);
        var second = Decide(PlanChoice.Auto, Find);

        Assert.Equal(1, _searches);
        Assert.Equal(Cached, first.Facts.Path);
        Assert.Equal(first.Facts.Mixes, second.Facts.Mixes);
        Assert.Equal(first.Programs, second.Programs);
    }

    [Fact]
    public void Auto_CachedFileOfAnotherVersion_IsReplaced()
    {
        Write(Cached, Here with { Version = "0.0.1" });
        var decided = Decide(PlanChoice.Auto, Find);

        Assert.Equal(1, _searches);
        Assert.Null(decided.Facts.Warning);
        Assert.Null(Decide(PlanChoice.Cached).Facts.Warning);
    }

    [Fact]
    public void Auto_CacheThatCannotBeWritten_RunsWhatWasFound()
    {
        Directory.CreateDirectory(Cached);
        var decided = Decide(PlanChoice.Auto, Find);

        Assert.Single(decided.Facts.Mixes);
        Assert.NotNull(decided.Facts.Warning);
    }

    [Fact]
    public void OtherChoices_NeverSearch()
    {
        Decide(PlanChoice.Cached, Find);
        Decide(PlanChoice.Sequential, Find);
        Assert.Equal(0, _searches);
    }

    private static void AssertSequential(DecidedPlans decided)
    {
        Assert.Single(decided.Table.Plans);
        Assert.Single(decided.Programs);
        Assert.Empty(decided.Facts.Mixes);
        Assert.Null(decided.Facts.Path);
        Assert.Null(decided.Facts.Warning);
    }

    private PlanSet Find()
    {
        _searches++;
        return Set(Here, 64);
    }

    // A program is the number of rows its plan was made for.
    private DecidedPlans Decide(PlanChoice choice, Func<PlanSet>? find = null) =>
        new PlanDecision(Graph, Here, Plan.Sequential(Graph, 2, 100), _cache, Lower)
            .Decide(choice, find);

    private static nint Lower(Plan plan) => plan.StepRows != BadRows
        ? plan.StepRows
        : throw new EngineException("rows are left out");

    private static void Write(string path, Origin origin, int rows = 64) =>
        PlanCache.Write(path, PlanFile.Write(Set(origin, rows)));

    private static PlanSet Set(Origin origin, int rows) => new(
        origin,
        "a model",
        LayerCount: 1,
        Graph.Ops,
        [FakeEngine.Bucket(new StepMix(rows, rows, 512), Plan.Sequential(Graph, 2, rows))]);
}
