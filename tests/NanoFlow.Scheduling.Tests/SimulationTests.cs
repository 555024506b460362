using NanoFlow.Scheduling;

namespace NanoFlow.Scheduling.Tests;

public class SimulationTests(ITestOutputHelper output)
{
    private const int Steps = 2_000;

    private static readonly bool Large =
        Environment.GetEnvironmentVariable("NANOFLOW_TEST_SCALE") == "large";

    [Fact]
    public void Scheduler_AnySeed_KeepsAllRules()
    {
        var seeds = Large ? 2_000 : 200;
        var (steps, finished, preempted, wasted, outgrown) = (0L, 0L, 0L, 0L, 0L);
        for (var seed = 0; seed < seeds; seed++)
        {
            var simulation = new Simulation(seed);
            var failure = Record.Exception(() => simulation.Run(Steps));
            Assert.True(failure is null, $"seed {seed}, step {simulation.Steps}: {failure}");
            steps += simulation.Steps;
            finished += simulation.Finished;
            preempted += simulation.Scheduler.PreemptionCount;
            wasted += simulation.Scheduler.WastedTokens;
            outgrown += simulation.Outgrown;
        }
        output.WriteLine(
            $"{seeds} seeds, {steps} steps, {finished} sequences, {preempted} preempted, "
            + $"{wasted} tokens wasted, {outgrown} outgrew their rope");
        Assert.True(
            finished > 0 && preempted > 0 && wasted > 0 && outgrown > 0,
            "The load met no hard case.");
    }

    [Fact]
    public void Simulation_SameSeed_SameRun()
    {
        var runs = new List<(long, int, long)>();
        for (var i = 0; i < 2; i++)
        {
            var simulation = new Simulation(seed: 11);
            simulation.Run(Steps);
            runs.Add((
                simulation.Steps, simulation.Finished, simulation.Scheduler.PreemptionCount));
        }
        Assert.Equal(runs[0], runs[1]);
    }
}
