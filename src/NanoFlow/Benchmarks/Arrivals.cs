// When requests are sent: the gaps between them are drawn from a gamma distribution, as vLLM's
// client does. With burstiness 1 they are exponential, a Poisson process; below 1 requests come in
// bursts, above 1 more evenly. The mean gap is one over the rate whatever the burstiness.

namespace NanoFlow.Benchmarks;

internal static class Arrivals
{
    // Sets the gaps apart from the lengths that are drawn from the same seed.
    private const ulong Stream = ulong.MaxValue;

    /// <param name="rate">Requests a second; above 0 and finite.</param>
    /// <param name="burstiness">The shape of the distribution; above 0.</param>
    /// <returns>Times since the start, the first 0, ascending.</returns>
    public static TimeSpan[] Draw(int count, double rate, double burstiness, int seed)
    {
        var random = new RandomStream((ulong)seed, Stream);
        var times = new TimeSpan[count];
        var seconds = 0.0;
        for (var i = 1; i < count; i++)
        {
            seconds += Gamma(ref random, burstiness) / (burstiness * rate);
            times[i] = TimeSpan.FromSeconds(seconds);
        }
        return times;
    }

    // Marsaglia and Tsang, "A simple method for generating gamma variables" (2000); scale 1.
    private static double Gamma(ref RandomStream random, double shape)
    {
        if (shape < 1)
        {
            var boost = Math.Pow(1 - random.NextUnit(), 1 / shape);
            return boost * Gamma(ref random, shape + 1);
        }
        var d = shape - (1 / 3.0);
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var x = random.NextNormal();
            var v = Math.Pow(1 + (c * x), 3);
            if (v > 0 && Math.Log(1 - random.NextUnit())
                < (0.5 * x * x) + d - (d * v) + (d * Math.Log(v)))
            {
                return d * v;
            }
        }
    }
}
