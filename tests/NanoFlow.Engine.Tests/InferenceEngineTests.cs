using NanoFlow.Scheduling;

namespace NanoFlow.Engine.Tests;

public class InferenceEngineTests
{
    [Fact]
    public async Task TrySubmit_TooManyWaiting_IsToldAtOnce()
    {
        var executor = new FakeExecutor();
        using var engine = FakeEngine.Start(executor, FakeEngine.Options with
        {
            MaxSequences = 1,
            MaxQueuedRequests = 3,
        });
        executor.Hold();
        var outcomes = new List<SubmitOutcome>();
        var accepted = new List<Generation>();
        for (var i = 0; i < 10; i++)
        {
            var generation = FakeEngine.Generation(first: i, newTokens: 2);
            outcomes.Add(engine.TrySubmit(generation));
            if (outcomes[^1] == SubmitOutcome.Accepted)
            {
                accepted.Add(generation);
            }
        }
        executor.Resume();

        // Three wait; the first may have been admitted in between.
        Assert.InRange(accepted.Count, 3, 4);
        Assert.All(outcomes[4..], outcome => Assert.Equal(SubmitOutcome.QueueFull, outcome));
        await Task.WhenAll(accepted.Select(g => g.ReadAll()));
        Assert.Equal(
            SubmitOutcome.Accepted, engine.TrySubmit(FakeEngine.Generation(first: 1, 2)));
    }

    [Fact]
    public async Task TrySubmit_TooManyPromptTokens_IsToldAtOnce()
    {
        var executor = new FakeExecutor();
        using var engine = FakeEngine.Start(executor, FakeEngine.Options with
        {
            MaxSequences = 1,
            MaxQueuedTokens = 100,
        });
        executor.Hold();
        var first = FakeEngine.Generation(first: 1, newTokens: 2, promptTokens: 150);
        Assert.Equal(SubmitOutcome.Accepted, engine.TrySubmit(first));
        var outcomes = Enumerable.Range(0, 3)
            .Select(i => engine.TrySubmit(FakeEngine.Generation(i, 2, promptTokens: 60)))
            .ToArray();
        executor.Resume();

        Assert.Equal(SubmitOutcome.TokenQueueFull, outcomes[^1]);
        Assert.Equal(2, (await first.ReadAll()).Count);
    }

    [Fact]
    public async Task TrySubmit_WhatWouldBreakAStep_IsRefused()
    {
        using var engine = FakeEngine.Start(new FakeExecutor());
        Assert.Throws<ArgumentException>(
            () => engine.TrySubmit(FakeEngine.Generation(1, FakeEngine.MaxPositions)));
        Assert.Throws<ArgumentException>(() => engine.TrySubmit(Prompt(FakeExecutor.Vocab)));
        Assert.Throws<ArgumentException>(() => engine.TrySubmit(Prompt(-1)));
        Assert.Throws<ArgumentException>(() => engine.TrySubmit(Sampled(
            new SamplingParams { LogitBias = [new TokenBias(FakeExecutor.Vocab, 1)] })));
        Assert.Throws<ArgumentException>(() => engine.TrySubmit(Sampled(
            new SamplingParams { AllowedTokens = [-1] })));
        Assert.Throws<ArgumentException>(() => engine.TrySubmit(Sampled(
            new SamplingParams { LogProbCount = EngineLimits.LogProbs + 1 })));

        var good = FakeEngine.Generation(1, 2);
        engine.TrySubmit(good);
        Assert.Throws<InvalidOperationException>(() => engine.TrySubmit(good));
        Assert.Equal(2, (await good.ReadAll()).Count);
    }

    [Fact]
    public async Task Drain_Running_FinishesThemAndRefusesNewOnes()
    {
        var executor = new FakeExecutor();
        using var engine = FakeEngine.Start(executor);
        executor.Hold();
        var generations = Enumerable.Range(0, 20)
            .Select(i => FakeEngine.Generation(i, newTokens: 30)).ToArray();
        Assert.All(generations, g => engine.TrySubmit(g));

        var drain = engine.DrainAsync(FakeEngine.Limit);
        Assert.Equal(SubmitOutcome.Draining, engine.TrySubmit(FakeEngine.Generation(1, 2)));
        Assert.False(drain.IsCompleted);
        executor.Resume();
        await drain;

        Assert.All(generations, g => Assert.Equal(FinishReason.Length, g.Reason));
        Assert.Equal(EngineHealth.Healthy, engine.Health);
    }

    [Fact]
    public async Task Drain_TimeIsOver_CancelsTheRest()
    {
        var executor = new FakeExecutor();
        using var engine = FakeEngine.Start(executor);
        executor.Hold();
        var generations = Enumerable.Range(0, 20)
            .Select(i => FakeEngine.Generation(i, newTokens: 30)).ToArray();
        Assert.All(generations, g => engine.TrySubmit(g));

        var drain = engine.DrainAsync(TimeSpan.FromMilliseconds(1));
        var all = await Task.WhenAll(generations.Select(g => g.ReadAll()));
        executor.Resume();
        await drain;

        Assert.All(generations, g => Assert.Equal(FinishReason.Cancelled, g.Reason));
        Assert.All(all, Assert.Empty);
    }

    [Fact]
    public async Task Dispose_WhileRunning_EndsEverythingOnce()
    {
        var executor = new FakeExecutor();
        var engine = FakeEngine.Start(executor);
        var generations = Enumerable.Range(0, 20)
            .Select(i => FakeEngine.Generation(i, newTokens: 200)).ToArray();
        Assert.All(generations, g => engine.TrySubmit(g));

        engine.Dispose();
        engine.Dispose();

        await Task.WhenAll(generations.Select(g => g.ReadAll()));
        Assert.All(generations, g => Assert.NotNull(g.Reason));
        Assert.Equal(1, executor.Disposed);
        Assert.Equal(SubmitOutcome.Draining, engine.TrySubmit(FakeEngine.Generation(1, 2)));
        generations[0].Cancel();
    }

    // Until a run is over before its n-th call.
    [Fact]
    public async Task Device_FailsAtAnyCall_EveryGenerationEndsWithError()
    {
        var call = 1;
        while (await FailsAt(call))
        {
            call++;
        }
        Assert.True(call > 30, $"a run has only {call} calls");
    }

    [Fact]
    public async Task Health_StepTakesTooLong_IsStalledUntilItEnds()
    {
        var executor = new FakeExecutor();
        using var engine = FakeEngine.Start(
            executor, FakeEngine.Options with { StallAfter = TimeSpan.FromTicks(1) });
        executor.Hold();
        var generation = FakeEngine.Generation(first: 1, newTokens: 1);
        engine.TrySubmit(generation);

        Assert.True(SpinWait.SpinUntil(
            () => engine.Health == EngineHealth.Stalled, FakeEngine.Limit));
        executor.Resume();
        await generation.ReadAll();
        Assert.True(SpinWait.SpinUntil(
            () => engine.Health == EngineHealth.Healthy, FakeEngine.Limit));
    }

    [Fact]
    public void NextSeed_SameStart_SameSeeds()
    {
        var options = FakeEngine.Options with { Seed = 7 };
        using var first = FakeEngine.Start(new FakeExecutor(), options);
        using var second = FakeEngine.Start(new FakeExecutor(), options);

        var seeds = Enumerable.Range(0, 100).Select(_ => first.NextSeed()).ToArray();

        Assert.Equal(seeds, Enumerable.Range(0, 100).Select(_ => second.NextSeed()));
        Assert.Equal(100, seeds.Distinct().Count());
    }

    // True: the device was asked that often and failed.
    private static async Task<bool> FailsAt(int call)
    {
        var executor = new FakeExecutor { FailAtCall = call };
        using var engine = FakeEngine.Start(executor, pageCount: 16);
        var generations = Load();
        var accepted = generations
            .Where(g => engine.TrySubmit(g) == SubmitOutcome.Accepted).ToArray();
        await Task.WhenAll(accepted.Select(g => g.ReadAll()));
        await engine.DrainAsync(FakeEngine.Limit);
        if (executor.Calls < call)
        {
            Assert.All(generations, g => Assert.Equal(FinishReason.Length, g.Reason));
            return false;
        }

        Assert.Equal(EngineHealth.Failed, engine.Health);
        Assert.Equal("planted failure", engine.Failure?.Message);
        Assert.True(
            accepted.Length < generations.Length
            || accepted.Any(g => g.Reason == FinishReason.Error),
            "nobody was told");
        Assert.Equal(SubmitOutcome.Failed, engine.TrySubmit(FakeEngine.Generation(1, 2)));
        Assert.Equal(0, engine.Counters.Running + engine.Counters.Waiting);
        engine.Dispose();
        Assert.Equal(1, executor.Disposed);
        return true;
    }

    private static Generation[] Load() =>
    [
        .. Enumerable.Range(0, 10).Select(i => FakeEngine.Generation(i, 5 + i, 1 + i * 10)),
    ];

    private static Generation Prompt(int token) =>
        new(new GenerationRequest { Prompt = new[] { token }, MaxNewTokens = 2 });

    private static Generation Sampled(SamplingParams sampling) =>
        FakeEngine.Generation(1, 2, sampling: sampling);
}
