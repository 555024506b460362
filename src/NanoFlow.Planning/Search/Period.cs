using System.Globalization;

namespace NanoFlow.Planning.Search;

/// <summary>
/// The steady-state time of a layer in nanoseconds, as an exact fraction in lowest terms: a sum of
/// durations over the number of layers that its cycle spans.
/// </summary>
public readonly record struct Period : IComparable<Period>
{
    /// <param name="time">At least 0.</param>
    /// <param name="layers">At least 1.</param>
    public Period(long time, long layers)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(time);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(layers);
        var divisor = Divisor(time, layers);
        Time = time / divisor;
        _layersMinusOne = (layers / divisor) - 1;
    }

    // The default value is 0 / 1.
    private readonly long _layersMinusOne;

    public long Time { get; }

    public long Layers => _layersMinusOne + 1;

    public double Nanoseconds => (double)Time / Layers;

    public static bool operator <(Period a, Period b) => a.CompareTo(b) < 0;

    public static bool operator >(Period a, Period b) => a.CompareTo(b) > 0;

    public static bool operator <=(Period a, Period b) => a.CompareTo(b) <= 0;

    public static bool operator >=(Period a, Period b) => a.CompareTo(b) >= 0;

    public static Period Max(Period a, Period b) => a < b ? b : a;

    /// <summary>The whole number at or below a + (b - a) * share / of.</summary>
    public static Period Between(Period a, Period b, int share, int of)
    {
        var numerator = ((Int128)a.Time * b.Layers * (of - share))
            + ((Int128)b.Time * a.Layers * share);
        return new Period((long)(numerator / ((Int128)a.Layers * b.Layers * of)), 1);
    }

    public int CompareTo(Period other) =>
        ((Int128)Time * other.Layers).CompareTo((Int128)other.Time * Layers);

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Time}/{Layers} ns");

    private static long Divisor(long a, long b)
    {
        while (b != 0)
        {
            (a, b) = (b, a % b);
        }
        return a;
    }
}
