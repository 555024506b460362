using NanoFlow.Scheduling;

namespace NanoFlow.Scheduling.Tests;

public class SimulationTests(ITestOutputHelper output)
{
    private const int Ticks = 2_000;

    private static readonly bool Large =
        Environment.GetEnvironmentVariable("NANOFLOW_TEST_SCALE") == "large";

    [Fact]
    public void Scheduler_AnySeed_KeepsAllRules()
    {
        var seeds = Large ? 2_000 : 200;
        var (steps, finished, preempted, wasted) = (0L, 0L, 0L, 0L);
        for (var seed = 0; seed < seeds; seed++)
        {
            var simulation = new Simulation(seed);
            var failure = Record.Exception(() => simulation.Run(Ticks));
            Assert.True(failure is null, $"seed {seed}, step {simulation.Steps}: {failure}");
            steps += simulation.Steps;
            finished += simulation.Finished;
            preempted += simulation.Scheduler.PreemptionCount;
            wasted += simulation.Scheduler.WastedTokens;
        }
        output.WriteLine(
            $"{seeds} seeds, {steps} steps, {finished} sequences, {preempted} preempted, "
            + $"{wasted} tokens wasted");
        Assert.True(finished > 0 && preempted > 0 && wasted > 0, "The load met no hard case.");
    }

    [Fact]
    public void Simulation_SameSeed_SameRun()
    {
        var runs = new List<(long, int, long)>();
        for (var i = 0; i < 2; i++)
        {
            var simulation = new Simulation(seed: 11);
            simulation.Run(Ticks);
            runs.Add((
                simulation.Steps, simulation.Finished, simulation.Scheduler.PreemptionCount));
        }
        Assert.Equal(runs[0], runs[1]);
    }
}
