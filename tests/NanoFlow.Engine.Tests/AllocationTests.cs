using NanoFlow.Planning;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine.Tests;

public class AllocationTests(ITestOutputHelper output)
{
    private const int Windows = 20;

    // Sequences arrive, stream to readers that wait for every token, and finish, all the time. What
    // the loop itself allocated would be in every window; what the runtime allocates now and then
    // on any thread that queues work, such as another pool thread, is not.
    [Fact]
    public async Task EngineThread_ThousandBusySteps_AllocatesNothing()
    {
        // A plan whose luck turns now and then, so that it is given up and taken up again.
        var executor = new FakeExecutor
        {
            WindowSteps = 1_000,
            Time = (step, plan) => 100 + step.RowCount
                + (plan == 0 ? 0 : step.Number / 5_000 % 2 == 0 ? 50 : -50),
        };
        using var engine = FakeEngine.Start(
            executor, pageCount: 40, plans: FakeEngine.PlansFor(new StepMix(8, 8, 40)));
        using var done = new CancellationTokenSource();

        var clients = Enumerable.Range(0, 12).Select(i => Client(engine, i, done.Token));
        var all = Task.WhenAll(clients);
        while (executor.Windows.Count < Windows && !all.IsCompleted)
        {
            await Task.Yield();
        }
        await done.CancelAsync();
        await all.WaitAsync(FakeEngine.Limit);

        output.WriteLine($"bytes a window: {string.Join(" ", executor.Windows)}");
        Assert.Equal(0, executor.Windows.Min());
        Assert.True(engine.Counters.PlanFallbacks > 0, "the plan was never given up");
    }

    private static async Task Client(InferenceEngine engine, int seed, CancellationToken done)
    {
        var random = new Random(seed);
        while (!done.IsCancellationRequested)
        {
            var generation = FakeEngine.Generation(
                seed, random.Next(1, 60), random.Next(1, 60), new SamplingParams
                {
                    LogProbCount = random.Next(2) == 0 ? null : 3,
                });
            Assert.Equal(SubmitOutcome.Accepted, engine.TrySubmit(generation));
            while (await generation.WaitAsync(CancellationToken.None))
            {
                while (generation.TryRead(out _))
                {
                    // Every token is taken, so that the next one is waited for.
                }
            }
        }
    }
}
