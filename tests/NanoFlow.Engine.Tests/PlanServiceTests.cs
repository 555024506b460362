// Plans in service, through the whole engine on a device whose steps take the time they are told.

using NanoFlow.Planning;

namespace NanoFlow.Engine.Tests;

public class PlanServiceTests
{
    private const int Positions = 4096;
    private const int NewTokens = 4_000;

    // One sequence that decodes: its steps are near from 250 attended tokens on.
    private static readonly StepMix Mix = new(1, 1, 1_000);

    [Fact]
    public async Task Engine_PlanIsSlowThenFast_FallsBackAndReturns()
    {
        const int SlowUpTo = 1_000;
        var counters = await DecodeAsync((step, plan) =>
            (1_000 + step) * (plan == 0 ? 10 : step < SlowUpTo ? 12 : 8));

        Assert.Equal(1, counters.PlanFallbacks);
        Assert.Equal(1, counters.PlanReturns);
        Assert.Equal(1, counters.FavouredPlans);
        Assert.Equal(["sequential", "1x1x1000"], counters.Plans.Select(plan => plan.Plan));
        Assert.Equal(counters.Steps, counters.Plans.Sum(plan => plan.Steps));
    }

    [Fact]
    public async Task Engine_PlanIsSlower_EndsSequential()
    {
        var counters = await DecodeAsync((step, plan) => (1_000 + step) * (plan == 0 ? 10 : 11));

        Assert.Equal(1, counters.PlanFallbacks);
        Assert.Equal(0, counters.PlanReturns);
        Assert.Equal(0, counters.FavouredPlans);
        // Half of some 64 eager pairs, then one step in 32.
        Assert.InRange(counters.Plans[1].Steps, 50, 200);
    }

    // A time that went to the neighbour of its step would make a slow plan look like a fast one.
    [Fact]
    public async Task Engine_PlanIsFaster_RunsAllButTheProbes()
    {
        var counters = await DecodeAsync((step, plan) => (1_000 + step) * (plan == 0 ? 11 : 10));

        Assert.Equal(0, counters.PlanFallbacks);
        Assert.Equal(1, counters.FavouredPlans);
        Assert.InRange(counters.Plans[1].Steps, NewTokens * 85 / 100, NewTokens);
    }

    // Time by the number of the step and the plan, in microseconds.
    private static async Task<EngineCounters> DecodeAsync(Func<long, int, long> time)
    {
        var executor = new FakeExecutor { Time = (step, plan) => time(step.Number, plan) };
        using var engine = FakeEngine.Start(
            executor,
            pageCount: Positions / FakeEngine.Options.BlockSize,
            maxPositions: Positions,
            plans: FakeEngine.PlansFor(Mix));
        var generation = FakeEngine.Generation(1, NewTokens);
        Assert.Equal(SubmitOutcome.Accepted, engine.TrySubmit(generation));

        var tokens = await generation.ReadAll();
        await engine.DrainAsync(FakeEngine.Limit);

        Assert.Equal(FakeEngine.Echo(generation, NewTokens), tokens.Select(t => t.Token));
        return engine.Counters;
    }
}
