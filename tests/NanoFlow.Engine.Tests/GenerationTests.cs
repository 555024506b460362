using NanoFlow.Scheduling;

namespace NanoFlow.Engine.Tests;

public class GenerationTests
{
    [Fact]
    public async Task Submit_Alone_StreamsToTheLimit()
    {
        using var engine = FakeEngine.Start(new FakeExecutor());
        var generation = FakeEngine.Generation(first: 10, newTokens: 20);

        Assert.Null(generation.Reason);
        Assert.Equal(SubmitOutcome.Accepted, engine.TrySubmit(generation));
        var tokens = await generation.ReadAll();

        Assert.Equal(FakeEngine.Echo(generation, 20), tokens.Select(t => t.Token));
        Assert.Equal(FinishReason.Length, generation.Reason);
        Assert.Equal(20, generation.NewTokenCount);
        Assert.NotNull(generation.QueueTime);
        Assert.True(generation.TimeToFirstToken >= generation.QueueTime);
        Assert.False(await generation.WaitAsync());
    }

    [Fact]
    public async Task Submit_ManyAtOnce_EachGetsItsOwnTokens()
    {
        using var engine = FakeEngine.Start(new FakeExecutor(), pageCount: 20);
        var random = new Random(5);
        var generations = Enumerable.Range(0, 60)
            .Select(i => FakeEngine.Generation(i * 7, random.Next(1, 100), random.Next(1, 100)))
            .ToArray();
        Assert.All(generations, g => Assert.Equal(SubmitOutcome.Accepted, engine.TrySubmit(g)));

        var all = await Task.WhenAll(generations.Select(g => g.ReadAll()));

        for (var i = 0; i < all.Length; i++)
        {
            var count = generations[i].Request.MaxNewTokens;
            Assert.Equal(FakeEngine.Echo(generations[i], count), all[i].Select(t => t.Token));
        }
        await engine.DrainAsync(FakeEngine.Limit);
        Assert.Equal(0, engine.Counters.UsedPages);
        Assert.Equal(0, engine.Counters.Running + engine.Counters.Waiting);
        Assert.Equal(all.Sum(tokens => tokens.Count), engine.Counters.GeneratedTokens);
    }

    [Fact]
    public async Task Read_EndToken_IsMarkedAndLast()
    {
        using var engine = FakeEngine.Start(new FakeExecutor());
        var generation = new Generation(new GenerationRequest
        {
            Prompt = new[] { 1, 2 },
            MaxNewTokens = 50,
            EndTokens = [6],
        });
        engine.TrySubmit(generation);

        var tokens = await generation.ReadAll();

        Assert.Equal([(3, false), (4, false), (5, false), (6, true)],
            tokens.Select(t => (t.Token, t.IsEnd)));
        Assert.Equal(FinishReason.Stop, generation.Reason);
    }

    [Fact]
    public async Task Read_LogProbsAsked_ComeWithEachToken()
    {
        using var engine = FakeEngine.Start(new FakeExecutor());
        var plain = FakeEngine.Generation(first: 1, newTokens: 2);
        var asked = FakeEngine.Generation(
            first: 1, newTokens: 3, sampling: new SamplingParams { LogProbCount = 2 });
        engine.TrySubmit(plain);
        engine.TrySubmit(asked);

        var without = await plain.ReadAll();
        var with = await asked.ReadAll();

        Assert.All(without, t => Assert.True(t.LogProb is null && t.Top.IsEmpty));
        Assert.All(with, t =>
        {
            Assert.Equal(-t.Token, t.LogProb);
            Assert.Equal(
                [new TokenLogProb(t.Token, -t.Token), new TokenLogProb(t.Token + 1, -t.Token - 1)],
                t.Top.ToArray());
        });
    }

    [Fact]
    public async Task Cancel_WhileRunning_EndsAndKeepsWhatWasRead()
    {
        var executor = new FakeExecutor();
        using var engine = FakeEngine.Start(executor);
        var generation = FakeEngine.Generation(first: 1, newTokens: 200);
        engine.TrySubmit(generation);
        Assert.True(await generation.WaitAsync());
        executor.Hold();

        generation.Cancel();
        generation.Cancel();
        executor.Resume();
        var tokens = await generation.ReadAll();

        Assert.Equal(FakeEngine.Echo(generation, tokens.Count), tokens.Select(t => t.Token));
        Assert.True(
            generation.Reason == FinishReason.Cancelled || tokens.Count == 200,
            $"{generation.Reason}");
    }

    [Fact]
    public async Task Cancel_BeforeSubmit_EndsWithoutAToken()
    {
        using var engine = FakeEngine.Start(new FakeExecutor());
        var generation = FakeEngine.Generation(first: 1, newTokens: 200);
        generation.Cancel();
        engine.TrySubmit(generation);

        Assert.Empty(await generation.ReadAll());
        Assert.Equal(FinishReason.Cancelled, generation.Reason);
    }

    [Fact]
    public async Task Cancel_WhileQueued_LeavesTheQueue()
    {
        var executor = new FakeExecutor();
        using var engine = FakeEngine.Start(
            executor, FakeEngine.Options with { MaxSequences = 1 });
        executor.Hold();
        var running = FakeEngine.Generation(first: 1, newTokens: 5);
        var queued = FakeEngine.Generation(first: 1, newTokens: 5);
        engine.TrySubmit(running);
        engine.TrySubmit(queued);
        queued.Cancel();
        executor.Resume();

        Assert.Empty(await queued.ReadAll());
        Assert.Equal(FinishReason.Cancelled, queued.Reason);
        Assert.Equal(5, (await running.ReadAll()).Count);
    }

    [Fact]
    public async Task Wait_TokenCancelled_ThrowsAndGenerationGoesOn()
    {
        var executor = new FakeExecutor();
        using var engine = FakeEngine.Start(executor);
        executor.Hold();
        var generation = FakeEngine.Generation(first: 1, newTokens: 5);
        engine.TrySubmit(generation);
        using var cancel = new CancellationTokenSource();
        var wait = generation.WaitAsync(cancel.Token);

        await cancel.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await wait);
        await Assert.ThrowsAsync<OperationCanceledException>(
            async () => await generation.WaitAsync(cancel.Token));
        executor.Resume();

        Assert.Equal(5, (await generation.ReadAll()).Count);
    }

    [Fact]
    public async Task Wait_CancelledAtRandomTimes_LosesNothing()
    {
        using var engine = FakeEngine.Start(new FakeExecutor());
        for (var round = 0; round < 50; round++)
        {
            var generation = FakeEngine.Generation(first: round, newTokens: 100);
            engine.TrySubmit(generation);
            var tokens = new List<int>();
            while (generation.Reason is null || tokens.Count < generation.NewTokenCount)
            {
                using var cancel = new CancellationTokenSource();
                var cancelling = Task.Run(cancel.Cancel);
                try
                {
                    await generation.WaitAsync(cancel.Token);
                }
                catch (OperationCanceledException)
                {
                    // Read what is there and wait again.
                }
                while (generation.TryRead(out var token))
                {
                    tokens.Add(token.Token);
                }
                await cancelling;
            }
            Assert.Equal(FakeEngine.Echo(generation, 100), tokens);
        }
    }
}
