// Samples and what is said about them, by the definitions of numpy, which other clients use: the
// deviation is that of the population, percentiles between two samples are interpolated.

namespace NanoFlow.Benchmarks;

internal sealed class Distribution
{
    private readonly double[] _sorted;

    /// <exception cref="ArgumentException">There is no sample.</exception>
    public Distribution(IEnumerable<double> samples)
    {
        _sorted = samples.ToArray();
        if (_sorted.Length == 0)
        {
            throw new ArgumentException("a distribution needs a sample", nameof(samples));
        }
        Array.Sort(_sorted);
        Mean = _sorted.Average();
        Deviation = Math.Sqrt(_sorted.Average(sample => (sample - Mean) * (sample - Mean)));
    }

    public double Mean { get; }

    public double Deviation { get; }

    public double Median => Percentile(50);

    public double Least => _sorted[0];

    public double Most => _sorted[^1];

    /// <summary>Null when there is no sample.</summary>
    public static Distribution? Of(IEnumerable<double> samples)
    {
        var all = samples.ToArray();
        return all.Length == 0 ? null : new Distribution(all);
    }

    /// <param name="percent">0 to 100.</param>
    public double Percentile(double percent)
    {
        var place = percent / 100 * (_sorted.Length - 1);
        var below = (int)place;
        var above = Math.Min(below + 1, _sorted.Length - 1);
        return _sorted[below] + ((place - below) * (_sorted[above] - _sorted[below]));
    }
}
