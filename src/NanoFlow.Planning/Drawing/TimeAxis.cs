using System.Globalization;

namespace NanoFlow.Planning.Drawing;

/// <summary>A time axis from 0 with round ticks, in the unit that suits its length.</summary>
internal sealed class TimeAxis
{
    // Above this a larger unit reads better.
    private const double MaxInUnit = 10_000;

    private readonly double _step;
    private readonly double _end;
    private readonly string _format;

    /// <param name="end">Microseconds.</param>
    public TimeAxis(double end, int maxTicks, string microseconds = "us")
    {
        (Unit, Scale) = end < MaxInUnit ? (microseconds, 1.0)
            : end < MaxInUnit * 1000 ? ("ms", 1e3)
            : ("s", 1e6);
        _end = end;
        _step = RoundStep(end / Scale / Math.Max(1, maxTicks)) * Scale;
        // Five digits of the whole.
        var digits = end > 0 ? 4 - (int)Math.Floor(Math.Log10(end / Scale)) : 0;
        _format = "F" + Math.Clamp(digits, 0, 6).ToString(CultureInfo.InvariantCulture);
    }

    public string Unit { get; }

    /// <summary>Microseconds of a unit.</summary>
    public double Scale { get; }

    /// <summary>Microseconds.</summary>
    public IEnumerable<double> Ticks()
    {
        for (var i = 0; i * _step <= _end * (1 + 1e-9) && _step > 0; i++)
        {
            yield return i * _step;
        }
    }

    public string TickText(double microseconds) =>
        Math.Round(microseconds / Scale, 9).ToString("0.#########", CultureInfo.InvariantCulture);

    public string Text(double microseconds) =>
        (microseconds / Scale).ToString(_format, CultureInfo.InvariantCulture);

    // The least of 1, 2, 5, 10, ... that is not below.
    private static double RoundStep(double least)
    {
        if (!(least > 0))
        {
            return 0;
        }
        var power = Math.Pow(10, Math.Floor(Math.Log10(least)));
        foreach (var round in new[] { 1, 2, 5 })
        {
            if (round * power >= least * (1 - 1e-9))
            {
                return round * power;
            }
        }
        return 10 * power;
    }
}
