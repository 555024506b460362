// Plans against each other on steps of one mix. They take turns, so that a machine that slows down
// slows all of them down.

using NanoFlow.Planning;

namespace NanoFlow.Engine.Measuring;

public static class StepComparison
{
    /// <summary>The median step time of each plan, in microseconds.</summary>
    /// <param name="minimum">For all together; at least <paramref name="leastRounds"/>
    /// rounds.</param>
    public static double[] Run(
        IPlanBench bench,
        IReadOnlyList<Plan> plans,
        StepMix mix,
        TimeSpan minimum,
        int leastRounds = 5)
    {
        const int MostRounds = 1000;
        var programs = plans.Select(bench.Open).ToArray();
        try
        {
            var times = programs.Select(_ => new List<double>()).ToArray();
            foreach (var program in programs)
            {
                program.RunStep(mix); // the first step finds cold pages and sleeping threads
            }
            var sum = 0.0;
            for (var round = 0; round < MostRounds
                && (round < leastRounds || sum < minimum.TotalMicroseconds); round++)
            {
                for (var i = 0; i < programs.Length; i++)
                {
                    // Not always in the same order: a neighbour's caches are part of a step.
                    var turn = (i + round) % programs.Length;
                    var time = programs[turn].RunStep(mix);
                    times[turn].Add(time);
                    sum += time;
                }
            }
            return [.. times.Select(list => Median.Of(list.ToArray()))];
        }
        finally
        {
            foreach (var program in programs)
            {
                program.Dispose();
            }
        }
    }
}
