// nanoflow bench throughput MODEL: how many tokens a second come out when all prompts are there at
// once, without HTTP between. Prompts are random tokens, and answers have the length that the
// workload says: an end token is a token like any other.

using System.Diagnostics;
using NanoFlow.Benchmarks;
using NanoFlow.Cli;
using NanoFlow.Engine;
using NanoFlow.Models;
using NanoFlow.Scheduling;

namespace NanoFlow.Commands;

internal static class BenchThroughputCommand
{
    // Enough for steps of either kind; what is set up at the first step is not measured.
    private const int WarmUpTokens = 8;

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(250);

    public static Command Command { get; } = new(
        "bench throughput",
        "MODEL",
        "Measures tokens a second when all prompts are there at once, without HTTP.",
        [
            .. LoadFlags.OfWorkload, EngineFlags.Plan, EngineFlags.PlanBudget,
            LoadFlags.Percentiles, CommonFlags.Json, .. EngineFlags.ForMemory,
        ],
        RunAsync);

    private static async Task<int> RunAsync(Given given)
    {
        var seed = LoadFlags.SeedOf(given);
        var load = LoadFlags.Workloads(given, replay: false)(seed);
        var source = ModelSource.Open(given.Argument);
        var device = ChosenDevice.Of(given);
        var options = EngineFlags.Options(given, device) with
        {
            MaxQueuedRequests = load.Requests.Count,
            MaxQueuedTokens = load.InputTokens,
        };
        using var engine = EngineStart.Load(source, device, options, Console.Error);
        if (load.LongestTokens > engine.Facts.MaxModelLength)
        {
            throw new UsageException(
                $"prompt and answer are {load.LongestTokens} tokens together; a "
                + $"sequence has {engine.Facts.MaxModelLength} at most");
        }
        var first = load.Requests[0];
        var warmUp = first with { Output = Math.Min(WarmUpTokens, first.Output) };
        await RunAsync(engine, Workload.Random(1, warmUp, rangeRatio: 0, seed + 1), null);
        var before = Snapshot.Of(engine);
        using var progress = new ProgressLine("generating", total => $"{total} tokens");
        var watch = Stopwatch.StartNew();
        var answers = await RunAsync(engine, load, progress);
        var elapsed = watch.Elapsed;
        var ran = Snapshot.Of(engine).Since(before);
        var figures = new Figures();
        Int8Text.AddTo(figures, "kept as int8", KeptInt8.Of(EngineModel.From(source), options));
        AddTo(figures, engine, answers, elapsed, ran);
        var latencies = new LatencyTable(
            LatencyMetric.OfRequests, answers, LoadFlags.PercentilesOf(given));
        latencies.AddTo(figures);
        var asJson = given.Get(CommonFlags.Json, false);
        figures.Write(asJson);
        if (!asJson)
        {
            Console.Write($"\n{latencies}");
        }
        return 0;
    }

    private static async Task<Answer[]> RunAsync(
        InferenceEngine engine, Workload load, ProgressLine? progress)
    {
        var running = new Task<Answer>[load.Requests.Count];
        var tokens = load.OutputTokens;
        var begin = engine.Counters.GeneratedTokens;
        for (var i = 0; i < running.Length; i++)
        {
            var prompt = new int[load.Requests[i].Input];
            load.FillPrompt(i, prompt, leastToken: 0, engine.Facts.VocabSize - 1);
            running[i] = ReadAsync(engine, new Generation(new GenerationRequest
            {
                Prompt = prompt,
                MaxNewTokens = load.Requests[i].Output,
                Sampling = new SamplingParams { Seed = (ulong)i },
            }));
        }
        var all = Task.WhenAll(running);
        while (await Task.WhenAny(all, Task.Delay(Glance)) != all)
        {
            var done = engine.Counters.GeneratedTokens - begin;
            progress?.Report(Math.Min(done, tokens), tokens);
        }
        var answers = await all;
        progress?.Report(tokens, tokens);
        return answers;
    }

    private static async Task<Answer> ReadAsync(InferenceEngine engine, Generation generation)
    {
        var watch = Stopwatch.StartNew();
        var first = TimeSpan.Zero;
        var tokens = 0;
        if (engine.TrySubmit(generation) is var outcome && outcome != SubmitOutcome.Accepted)
        {
            throw new CommandException($"a prompt was refused: {outcome}");
        }
        while (await generation.WaitAsync())
        {
            first = tokens == 0 ? watch.Elapsed : first;
            while (generation.TryRead(out _))
            {
                tokens++;
            }
        }
        if (generation.Reason != FinishReason.Length)
        {
            throw new CommandException(
                $"an answer ended early: {engine.Failure?.Message ?? $"{generation.Reason}"}");
        }
        return new Answer(
            generation.Request.Prompt.Length,
            tokens,
            first.TotalMilliseconds,
            watch.Elapsed.TotalMilliseconds,
            GapsMs: []);
    }

    private static void AddTo(
        Figures figures, InferenceEngine engine, Answer[] answers, TimeSpan elapsed, Snapshot ran)
    {
        var facts = engine.Facts;
        var idle = Math.Max(0, elapsed.TotalMicroseconds - ran.DeviceMicroseconds);
        var planned = ran.Steps - ran.Sequential;
        var gap = ran.Steps == 0 ? 0 : idle / ran.Steps;
        figures.Add("device", "device", facts.Device.Fingerprint);
        figures.Add("plan", "plan", facts.Plans.Path ?? "sequential");
        figures.Add("completed", "requests", answers.Length);
        new LoadRates(elapsed, answers).AddTo(figures);
        figures.Add("steps", "steps", ran.Steps, $"{ran.Steps}, {planned} by a plan");
        figures.Add("planned_steps", planned);
        figures.Add("preemptions", "preemptions", ran.Preemptions);
        figures.Add("idle_us_per_step", "device idle", gap, Text.Of($"{gap:F1} us a step"));
        if (ran.ControlPlaneShare is { } share)
        {
            figures.Add(
                "control_plane_cpu_share",
                "control plane",
                share,
                Text.Of($"{100 * share:F1} % of the processor time"));
        }
    }

    /// <summary>What the engine has counted.</summary>
    private sealed record Snapshot(
        long Steps, long Sequential, long DeviceMicroseconds, long Preemptions)
    {
        private KernelTimeShare? Threads { get; init; }

        /// <summary>Of all processor time, what threads took that do not run kernels; null where
        /// the system does not tell.</summary>
        public double? ControlPlaneShare { get; private init; }

        public static Snapshot Of(InferenceEngine engine)
        {
            var counters = engine.Counters;
            return new Snapshot(
                counters.Steps,
                counters.Plans[0].Steps,
                counters.DeviceMicroseconds,
                counters.Preemptions)
            {
                Threads = engine.Facts.Device.HasOwnMemory ? null : KernelTimeShare.Now(),
            };
        }

        public Snapshot Since(Snapshot before) => new(
            Steps - before.Steps,
            Sequential - before.Sequential,
            DeviceMicroseconds - before.DeviceMicroseconds,
            Preemptions - before.Preemptions)
        {
            ControlPlaneShare = before.Threads is { } then ? Threads?.OthersSince(then) : null,
        };
    }
}
