// The watch under simulated times. Its steps are of changing size, each takes the time of a line in
// rows and attended tokens, times noise; so what the plan is worth is known exactly.

using NanoFlow.Planning;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine.Tests;

public class PlanWatchTests
{
    // One seed may be lucky.
    private const int Seeds = 40;

    private static readonly StepMix Mix = new(64, 64, 1000);

    // Noise of 5 % a step, evenly spread over +-9 %.
    private const double Noise = 0.09;

    [Fact]
    public void Watch_PlanTenPercentSlower_IsGivenUpAndStaysSo()
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            var run = new Simulation(seed);
            run.Steps(PlanWatch.Window * PlanWatch.EagerPeriod, plan: 1.10);
            Assert.False(run.Watch.FavoursPlan, $"seed {seed}: still favoured");
            run.Steps(10_000, plan: 1.10);
            Assert.True(run.Changes == 1, $"seed {seed}: changed {run.Changes} times");
            Assert.InRange(run.ByPlan(10_000), 10_000 / 32 - 1, 10_000 / 32 + 1);
        }
    }

    [Fact]
    public void Watch_PlanTenPercentFaster_IsKept()
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            var run = new Simulation(seed);
            run.Steps(10_000, plan: 0.90);
            Assert.True(run.Changes == 0, $"seed {seed}: changed {run.Changes} times");
            // One step in 4 is sequential up to the first full window, then one in 32.
            Assert.InRange(10_000 - run.ByPlan(10_000), 64 + 9_744 / 32 - 1, 64 + 9_744 / 32 + 1);
        }
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.03)]
    [InlineData(Noise)]
    [InlineData(0.5)]
    public void Watch_PlanEquallyFast_DoesNotTakeTurns(double noise)
    {
        var changes = 0;
        for (var seed = 0; seed < Seeds; seed++)
        {
            var run = new Simulation(seed) { Noise = noise };
            run.Steps(10_000, plan: 1);
            Assert.True(run.Changes <= 2, $"seed {seed}: changed {run.Changes} times");
            changes += run.Changes;
        }
        Assert.True(changes <= Seeds / 10, $"{changes} changes with {Seeds} seeds");
    }

    [Fact]
    public void Watch_PlanFasterAgain_IsTakenUpAgain()
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            var run = new Simulation(seed);
            run.Steps(1_000, plan: 1.2);
            Assert.False(run.Watch.FavoursPlan, $"seed {seed}: still favoured");
            // 64 pairs, one in every 32 steps.
            run.Steps(PlanWatch.Window * PlanWatch.Period, plan: 0.85);
            Assert.True(run.Watch.FavoursPlan, $"seed {seed}: not taken up again");
            Assert.Equal(2, run.Changes);
        }
    }

    [Fact]
    public void Watch_StepsInterrupted_ChangeNothing()
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            var run = new Simulation(seed) { OutlierShare = 0.02 };
            run.Steps(5_000, plan: 0.9);
            Assert.True(run.Changes == 0, $"seed {seed}: changed {run.Changes} times");
        }
    }

    // Whoever is on the machine makes steps slower and slower, and then fast again.
    [Fact]
    public void Watch_MachineThatDrifts_ChangesNothing()
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            var run = new Simulation(seed) { DriftPeriod = 500 };
            run.Steps(10_000, plan: 1);
            Assert.True(run.Changes == 0, $"seed {seed}: changed {run.Changes} times");
        }
    }

    [Fact]
    public void Watch_TimesOfZero_ChangeNothing()
    {
        var watch = new PlanWatch(Mix);
        for (var i = 0; i < 1_000; i++)
        {
            Assert.Equal(
                WatchOutcome.Unchanged, watch.Complete(watch.Next(), Step(64, 1000), 0));
        }
        Assert.True(watch.FavoursPlan);
    }

    [Fact]
    public void Fit_LineInRowsAndTokens_IsFound()
    {
        var random = new Random(5);
        var fit = new StepTimeFit(Mix);
        for (var i = 0; i < 1_000; i++)
        {
            var step = Step(random.Next(32, 90), random.Next(500, 2_000));
            fit.Add(step, Line(step));
        }
        for (var rows = 32; rows <= 90; rows += 29)
        {
            var step = Step(rows, 700);
            Assert.InRange(fit.Expect(step) / Line(step), 0.99, 1.01);
        }
    }

    [Fact]
    public void Fit_SizeThatNeverVaried_IsTheMean()
    {
        var fit = new StepTimeFit(Mix);
        for (var i = 0; i < 200; i++)
        {
            fit.Add(Step(64, 1_000), 1_000 + 10 * (i % 2));
        }
        Assert.InRange(fit.Expect(Step(80, 1_000)), 1_000, 1_010);
    }

    private static StepInfo Step(int rows, int context) => new()
    {
        Number = 0,
        SequenceCount = rows,
        DecodeCount = rows,
        RowCount = rows,
        PageCount = 0,
        SampleCount = rows,
        ScoreCount = 0,
        AttendedTokens = (long)rows * context,
        ReachedTokens = (long)rows * context,
    };

    // Weights are read once, rows and tokens cost each: 2 ms to 15 ms in what follows.
    private static double Line(in StepInfo step) =>
        1_000 + 30.0 * step.RowCount + 0.05 * step.AttendedTokens;

    private sealed class Simulation(int seed)
    {
        private readonly Random _random = new(seed);
        private readonly List<bool> _byPlan = [];
        private readonly Queue<(WatchedStep Watched, StepInfo Step, long Time)> _inFlight = [];

        public PlanWatch Watch { get; } = new(Mix);

        public double Noise { get; init; } = PlanWatchTests.Noise;

        /// <summary>Of steps that take a hundred times as long.</summary>
        public double OutlierShare { get; init; }

        /// <summary>Steps in which the machine becomes three times slower and recovers.</summary>
        public int DriftPeriod { get; init; }

        public int Changes { get; private set; }

        /// <summary>Of the last steps.</summary>
        public int ByPlan(int last) => _byPlan.TakeLast(last).Count(byPlan => byPlan);

        /// <param name="plan">Times by the plan against sequential ones.</param>
        public void Steps(int count, double plan)
        {
            for (var i = 0; i < count; i++)
            {
                var step = Step(_random.Next(32, 90), _random.Next(300, 3_000));
                var watched = Watch.Next();
                _byPlan.Add(watched.ByPlan);
                var time = Line(step) * (1 + Noise * (2 * _random.NextDouble() - 1));
                time *= watched.ByPlan ? plan : 1;
                time *= _random.NextDouble() < OutlierShare ? 100 : 1;
                time *= DriftPeriod > 0 ? 1 + 2.0 * (i % DriftPeriod) / DriftPeriod : 1;
                _inFlight.Enqueue((watched, step, (long)time));
                if (_inFlight.Count > Scheduler.MaxStepsInFlight - 1)
                {
                    var (oldest, info, micros) = _inFlight.Dequeue();
                    var outcome = Watch.Complete(oldest, info, micros);
                    Changes += outcome == WatchOutcome.Unchanged ? 0 : 1;
                }
            }
        }
    }
}
