namespace NanoFlow.Engine.Tests;

public class MemoryPlannerTests
{
    private const long Mib = 1 << 20;
    private const long Gib = 1 << 30;

    private static readonly MemoryFigures Native = new(
        Weights: 2 * Gib,
        Arena: 10 * Mib,
        KvPage: Mib,
        Sampling: 5 * Mib,
        Steps: Mib,
        LargestTensor: 100 * Mib);

    private static readonly EngineOptions Options = new() { BlockSize = 32 };

    [Fact]
    public void Decide_PlentyOfMemory_TakesFourGib()
    {
        var (plan, longest) = Decide(Options, available: 64 * Gib, longest: 8192);

        Assert.Equal(4 * Gib, plan.KvCache);
        Assert.Equal(8192, longest);
        Assert.Equal(plan.Weights + plan.Arena + plan.Sampling + plan.Steps + plan.KvCache,
            plan.Total);
    }

    [Fact]
    public void Decide_LittleMemory_TakesHalfOfWhatIsLeft()
    {
        var (plan, _) = Decide(Options, available: 4 * Gib, longest: 8192);

        var left = 4 * Gib - Native.Weights - 116 * Mib;
        Assert.Equal(left / 2 / Mib, plan.PageCount);
    }

    [Fact]
    public void Decide_CacheLargerThanAllSequences_TakesWhatTheyCanUse()
    {
        var (plan, _) = Decide(
            Options with { MaxSequences = 2 }, available: 64 * Gib, longest: 320);

        Assert.Equal(20, plan.PageCount);
    }

    [Fact]
    public void Decide_LongestDoesNotFit_IsShortenedOnlyWhenNotAskedFor()
    {
        var options = Options with { KvCacheBytes = 10 * Mib };
        var (_, longest) = Decide(options, available: 64 * Gib, longest: 8192);
        Assert.Equal(320, longest);

        var error = Assert.Throws<EngineException>(() => MemoryPlanner.Decide(
            Native, options, MemoryBudget.OfHost(64 * Gib), longest: 8192, mayShorten: false));
        Assert.Contains("256.0 MiB of KV cache", error.Message, StringComparison.Ordinal);
        Assert.Contains("10.0 MiB = 320 tokens", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Decide_WeightsDoNotFit_SaysWhereMemoryWouldGo()
    {
        var error = Assert.Throws<EngineException>(
            () => Decide(Options, available: Gib, longest: 8192));

        Assert.Contains("weights", error.Message, StringComparison.Ordinal);
        Assert.Contains("2048.0 MiB", error.Message, StringComparison.Ordinal);
        Assert.Contains("1024.0 MiB", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Decide_Gpu_TakesItsShareBesideTheReserve()
    {
        var (plan, _) = DecideOnGpu(Options, Gpu(total: 80 * Gib, free: 79 * Gib));

        Assert.Equal(72 * Gib, plan.Available);
        Assert.Equal(Gib, plan.Reserve);
        Assert.InRange(plan.Total, 72 * Gib - Native.KvPage, 72 * Gib);
        Assert.Contains("90 % of 81920.0 MiB", plan.ToString(), StringComparison.Ordinal);
        Assert.Contains("reserve", plan.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Decide_GpuInUse_TakesWhatIsFree()
    {
        var (plan, _) = DecideOnGpu(
            Options with { GpuMemoryUtilization = 0.95 }, Gpu(total: 80 * Gib, free: 10 * Gib));

        Assert.Equal(10 * Gib, plan.Available);
        Assert.InRange(plan.Total, 10 * Gib - Native.KvPage, 10 * Gib);
    }

    [Fact]
    public void Decide_GpuAndACacheOfGivenSize_TakesThatWhateverTheShare()
    {
        var options = Options with { KvCacheBytes = 70 * Gib, GpuMemoryUtilization = 0.5 };

        var (plan, _) = DecideOnGpu(options, Gpu(total: 80 * Gib, free: 79 * Gib));

        Assert.Equal(70 * Gib, plan.KvCache);
    }

    [Theory]
    [InlineData(2, null, "GPU")] // the weights alone do not fit
    [InlineData(80, 100, "102400.0 MiB = 102400 pages")]
    [InlineData(3, null, "GpuMemoryUtilization")] // no page is left
    public void Decide_GpuTooSmall_SaysTheArithmeticAndWhatToChange(
        int total, int? cache, string says)
    {
        var options = Options with { KvCacheBytes = cache * Gib };

        var error = Assert.Throws<EngineException>(
            () => DecideOnGpu(options, Gpu(total * Gib, total * Gib)));

        Assert.Contains("2048.0 MiB", error.Message, StringComparison.Ordinal);
        Assert.Contains("reserve", error.Message, StringComparison.Ordinal);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MemAvailable:   123456 kB", 123456L * 1024)]
    [InlineData("MemTotal: 5 kB", null)]
    [InlineData("MemAvailable: many kB", null)]
    public void Parse_MemInfo_FindsTheField(string line, long? expected) =>
        Assert.Equal(expected, AvailableMemory.Parse(["MemFree: 1 kB", line]));

    private static DeviceFacts Gpu(long total, long free) =>
        new("cuda", 132, "sm_90a", "a test")
        {
            Processor = "a GPU",
            MemoryTotal = total,
            MemoryFree = free,
        };

    private static (MemoryPlan Plan, int MaxModelLength) Decide(
        EngineOptions options, long available, int longest) =>
        MemoryPlanner.Decide(
            Native, options, MemoryBudget.OfHost(available), longest, mayShorten: true);

    private static (MemoryPlan Plan, int MaxModelLength) DecideOnGpu(
        EngineOptions options, DeviceFacts gpu) =>
        MemoryPlanner.Decide(
            Native,
            options,
            MemoryBudget.OfDevice(gpu, options),
            longest: 64 * 1024,
            mayShorten: true);
}
