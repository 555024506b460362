// nanoflow bench throughput MODEL: how many tokens a second come out when all prompts are there at
// once, without HTTP between. Prompts are random tokens, and every answer has the same length: an
// end token is a token like any other.

using System.Diagnostics;
using NanoFlow.Cli;
using NanoFlow.Engine;
using NanoFlow.Models;
using NanoFlow.Scheduling;

namespace NanoFlow.Commands;

internal static class BenchThroughputCommand
{
    private const int MostPrompts = 1_000_000;

    // Enough for steps of either kind; what is set up at the first step is not measured.
    private const int WarmUpTokens = 8;

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(250);

    private static readonly Flag<int> PromptCount = new(
        "--num-prompts", "N", $"1 to {MostPrompts}", "1000",
        "prompts, all there from the start",
        Read.Integer(1, MostPrompts));

    private static readonly Flag<int> InputLength = new(
        "--input-len", "TOKENS", $"1 to {EngineLimits.Positions - 1}", "1000",
        "tokens of each prompt",
        Read.Integer(1, EngineLimits.Positions - 1));

    private static readonly Flag<int> OutputLength = new(
        "--output-len", "TOKENS", $"1 to {EngineLimits.Positions - 1}", "1000",
        "tokens of each answer",
        Read.Integer(1, EngineLimits.Positions - 1));

    public static Command Command { get; } = new(
        "bench throughput",
        "MODEL",
        "Measures tokens a second when all prompts are there at once, without HTTP.",
        [
            PromptCount, InputLength, OutputLength, EngineFlags.Plan, EngineFlags.PlanBudget,
            PlanFlags.Seed, CommonFlags.Json, .. EngineFlags.ForMemory,
        ],
        RunAsync);

    private static async Task<int> RunAsync(Given given)
    {
        var load = new Load(
            given.Get(PromptCount, 1000),
            given.Get(InputLength, 1000),
            given.Get(OutputLength, 1000),
            given.Get(PlanFlags.Seed, 1));
        var source = ModelSource.Open(given.Argument);
        var device = ChosenDevice.Of(given);
        var options = EngineFlags.Options(given, device) with
        {
            MaxQueuedRequests = Math.Max(load.Prompts, 1),
            MaxQueuedTokens = (long)load.Prompts * load.Input,
        };
        using var engine = EngineStart.Load(source, device, options, Console.Error);
        if (load.Input + load.Output > engine.Facts.MaxModelLength)
        {
            throw new UsageException(
                $"--input-len and --output-len are {load.Input + load.Output} tokens together; a "
                + $"sequence has {engine.Facts.MaxModelLength} at most");
        }
        await RunAsync(engine, load with { Prompts = 1, Output = WarmUp(load) }, null);
        var before = Snapshot.Of(engine);
        using var progress = new ProgressLine("generating", total => $"{total} tokens");
        var watch = Stopwatch.StartNew();
        await RunAsync(engine, load, progress);
        var elapsed = watch.Elapsed;
        var figures = new Figures();
        Int8Text.AddTo(figures, "kept as int8", KeptInt8.Of(EngineModel.From(source), options));
        AddTo(figures, engine, load, elapsed, Snapshot.Of(engine).Since(before));
        figures.Write(given.Get(CommonFlags.Json, false));
        return 0;
    }

    private static int WarmUp(Load load) => Math.Min(WarmUpTokens, load.Output);

    private static async Task RunAsync(InferenceEngine engine, Load load, ProgressLine? progress)
    {
        var tokens = new Random(load.Seed);
        var running = new Task[load.Prompts];
        var begin = engine.Counters.GeneratedTokens;
        for (var i = 0; i < running.Length; i++)
        {
            var prompt = new int[load.Input];
            foreach (ref var token in prompt.AsSpan())
            {
                token = tokens.Next(engine.Facts.VocabSize);
            }
            running[i] = ReadAsync(engine, new Generation(new GenerationRequest
            {
                Prompt = prompt,
                MaxNewTokens = load.Output,
                Sampling = new SamplingParams { Seed = (ulong)i },
            }));
        }
        var all = Task.WhenAll(running);
        while (await Task.WhenAny(all, Task.Delay(Glance)) != all)
        {
            var done = engine.Counters.GeneratedTokens - begin;
            progress?.Report(Math.Min(done, load.Tokens), load.Tokens);
        }
        await all;
        progress?.Report(load.Tokens, load.Tokens);
    }

    private static async Task ReadAsync(InferenceEngine engine, Generation generation)
    {
        if (engine.TrySubmit(generation) is var outcome && outcome != SubmitOutcome.Accepted)
        {
            throw new CommandException($"a prompt was refused: {outcome}");
        }
        while (await generation.WaitAsync())
        {
            while (generation.TryRead(out _))
            {
            }
        }
        if (generation.Reason != FinishReason.Length)
        {
            throw new CommandException(
                $"an answer ended early: {engine.Failure?.Message ?? $"{generation.Reason}"}");
        }
    }

    private static void AddTo(
        Figures figures, InferenceEngine engine, Load load, TimeSpan elapsed, Snapshot ran)
    {
        var facts = engine.Facts;
        var seconds = elapsed.TotalSeconds;
        var idle = Math.Max(0, elapsed.TotalMicroseconds - ran.DeviceMicroseconds);
        var planned = ran.Steps - ran.Sequential;
        var plans = facts.Plans.Path ?? "sequential";
        figures.Add("device", "device", facts.Device.Fingerprint);
        figures.Add("plan", "plan", plans);
        figures.Add("num_prompts", "prompts", load.Prompts);
        figures.Add("input_len", "tokens of a prompt", load.Input);
        figures.Add("output_len", "tokens of an answer", load.Output);
        figures.Add("elapsed_s", "time", seconds, Text.Of($"{seconds:F2} s"));
        Rate("requests_per_s", "requests", load.Prompts / seconds);
        Rate("output_tokens_per_s", "output tokens", load.Tokens / seconds);
        Rate(
            "total_tokens_per_s",
            "prompt and output tokens",
            (load.Tokens + (double)load.Prompts * load.Input) / seconds);
        figures.Add("steps", "steps", ran.Steps, $"{ran.Steps}, {planned} by a plan");
        figures.Add("planned_steps", planned);
        figures.Add("preemptions", "preemptions", ran.Preemptions);
        var gap = ran.Steps == 0 ? 0 : idle / ran.Steps;
        figures.Add("idle_us_per_step", "device idle", gap, Text.Of($"{gap:F1} us a step"));

        void Rate(string key, string label, double rate) =>
            figures.Add(key, label, rate, Text.Of($"{rate:F1} a second"));
    }

    private sealed record Load(int Prompts, int Input, int Output, int Seed)
    {
        /// <summary>That are generated.</summary>
        public long Tokens => (long)Prompts * Output;
    }

    /// <summary>What the engine has counted.</summary>
    private sealed record Snapshot(
        long Steps, long Sequential, long DeviceMicroseconds, long Preemptions)
    {
        public static Snapshot Of(InferenceEngine engine)
        {
            var counters = engine.Counters;
            return new Snapshot(
                counters.Steps,
                counters.Plans[0].Steps,
                counters.DeviceMicroseconds,
                counters.Preemptions);
        }

        public Snapshot Since(Snapshot before) => new(
            Steps - before.Steps,
            Sequential - before.Sequential,
            DeviceMicroseconds - before.DeviceMicroseconds,
            Preemptions - before.Preemptions);
    }
}
