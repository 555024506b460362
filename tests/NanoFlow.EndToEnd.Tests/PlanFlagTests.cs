// serve and its plans: which file it takes, what it says of one that it does not take, and that the
// plans of one that it takes are run.

using System.Net.Http.Json;
using NanoFlow.Engine;
using NanoFlow.Models;
using NanoFlow.Planning;

namespace NanoFlow.EndToEnd.Tests;

public sealed class PlanFlagTests : IDisposable
{
    private static readonly string[] Flags =
        ["--threads", "2", "--kv-cache-memory-bytes", "16m", "--port", "0"];

    // Of the model on this machine; what a plan file must name.
    private static readonly Lazy<EngineFacts> Facts = new(() =>
    {
        using var engine = InferenceEngine.Load(
            EngineModel.From(ModelSource.Open(NanoFlowProcess.Storyteller)),
            new EngineOptions { Threads = 2, KvCacheBytes = 16 << 20 });
        return engine.Facts;
    });

    private readonly PlanCache _cache = new(
        Directory.CreateTempSubdirectory("nanoflow-plans-").FullName);

    public void Dispose() => Directory.Delete(_cache.Folder, recursive: true);

    public static TheoryData<string, Func<Origin, Origin>> Elsewhere => new()
    {
        { "plan.graph", origin => origin with { Graph = 1 } },
        { "plan.device", origin => origin with { Device = "another device" } },
        { "plan.nanoflow", origin => origin with { Version = "0.0.1" } },
    };

    [Theory]
    [MemberData(nameof(Elsewhere))]
    public async Task Plan_FileForSomethingElse_EndsWith1AndTheReason(
        string field, Func<Origin, Origin> elsewhere)
    {
        var path = Path.Combine(_cache.Folder, "mine.json");
        Write(path, elsewhere(Facts.Value.Origin));
        var finished = await NanoFlowProcess.RunAsync(
            ["serve", NanoFlowProcess.Storyteller, "--plan", path, .. Flags]);

        Assert.Equal(1, finished.ExitCode);
        var complaint = Assert.Single(
            finished.ErrorLines, line => !line.StartsWith("loading", StringComparison.Ordinal));
        Assert.Contains(path, complaint);
        Assert.Contains(field, complaint);
    }

    [Fact]
    public async Task Plan_FileThatIsNone_EndsWith1AndTheReason()
    {
        var path = Path.Combine(_cache.Folder, "mine.json");
        await File.WriteAllTextAsync(path, "{}");
        var finished = await NanoFlowProcess.RunAsync(
            ["serve", NanoFlowProcess.Storyteller, "--plan", path, .. Flags]);

        Assert.Equal(1, finished.ExitCode);
        Assert.Contains("plan.format", finished.Errors);
        Assert.Contains(path, finished.Errors);
    }

    [Fact]
    public async Task Plan_CachedFileOfAnotherVersion_IsAWarningAndServesSequentially()
    {
        var path = _cache.PlanPath(Facts.Value.Origin);
        Write(path, Facts.Value.Origin with { Version = "0.0.1" });
        var finished = await ServeAsync([], Nothing);

        Assert.Equal(0, finished.ExitCode);
        Assert.Single(finished.ErrorLines, line =>
            line.Contains("warning") && line.Contains(path) && line.Contains("0.0.1"));
        Assert.Contains("every step is sequential", finished.Output);
    }

    [Fact]
    public async Task Plan_CachedFile_RunsSteps()
    {
        var path = _cache.PlanPath(Facts.Value.Origin);
        Write(path, Facts.Value.Origin);
        var finished = await ServeAsync([], async client =>
        {
            using var response = await client.PostAsJsonAsync("/v1/completions", new
            {
                model = "storyteller",
                prompt = "One day a fox",
                max_tokens = 40,
                ignore_eos = true,
            });
            response.EnsureSuccessStatusCode();
            var page = await MetricsPage.ReadAsync(client);
            var steps = page.Samples("nanoflow_plan_steps_total")
                .Single(sample => sample.Labels.Contains("plan=\"1x1x32\""));
            Assert.InRange(steps.Value, 15, 41);
            Assert.Equal(page["nanoflow_steps_total"], page["nanoflow_plan_steps_total"]);
        });

        Assert.Equal(0, finished.ExitCode);
        Assert.Contains(path, finished.Output);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("--plan sequential", false)]
    public async Task Plan_NoneCached_HintsUnlessToldToBeSequential(string flags, bool hints)
    {
        var finished = await ServeAsync(
            flags.Split(' ', StringSplitOptions.RemoveEmptyEntries), Nothing);

        Assert.Contains("every step is sequential", finished.Output);
        Assert.Equal(hints, finished.Output.Contains("nanoflow search"));
    }

    [Fact]
    public async Task Plan_AutoWithNoneCached_LooksForPlansAndKeepsThem()
    {
        var finished = await ServeAsync(["--plan", "auto", "--plan-budget", "2s"], Nothing);

        var path = _cache.PlanPath(Facts.Value.Origin);
        Assert.Contains(path, finished.Output);
        var kept = PlanFile.Read(
            await File.ReadAllBytesAsync(path), Facts.Value.Graph, Facts.Value.Origin);
        Assert.NotEmpty(kept.Buckets);
    }

    private static Task Nothing(HttpClient client) => Task.CompletedTask;

    // Serves from the cache of this test, and ends.
    private async Task<Finished> ServeAsync(string[] flags, Func<HttpClient, Task> use)
    {
        await using var process = NanoFlowProcess.Start(
            ["serve", NanoFlowProcess.Storyteller, .. Flags, .. flags],
            (PlanCache.Variable, _cache.Folder));
        var line = await process.ReadLineAsync("serving");
        using var client = new HttpClient
        {
            BaseAddress = new Uri(line[line.IndexOf("http://", StringComparison.Ordinal)..]),
        };
        await use(client);
        await process.TerminateAsync();
        return await process.FinishAsync();
    }

    // One plan for steps of one sequence that decodes: sequential, which is as good as any here.
    private static void Write(string path, Origin origin)
    {
        var facts = Facts.Value;
        var plan = Plan.Sequential(facts.Graph, facts.Device.UnitCount, stepRows: 1);
        var bucket = new PlanBucket(
            new StepMix(1, 1, 32), plan, true, new PlanTimes(0, 0, 0, 0, 0), []);
        PlanCache.Write(path, PlanFile.Write(new PlanSet(
            origin, "storyteller", facts.Graph.LayerCount, facts.Graph.Ops, [bucket])));
    }
}
