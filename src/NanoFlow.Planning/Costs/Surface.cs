// A function of two numbers, known at points: a list of curves, each a list of points. Between
// points it is linear in both numbers; the points need not fill a rectangle.

namespace NanoFlow.Planning;

internal readonly record struct SurfacePoint(double Outer, double Inner, double Value);

/// <summary>What a surface is outside of its points.</summary>
internal enum Beyond
{
    /// <summary>As at the nearest point.</summary>
    Stays,

    /// <summary>Goes on as a time does: the line of the last two points above them. Below, the line
    /// of the first two, but no faster than in proportion (work in small parts is no cheaper) and
    /// no slower than the first point.</summary>
    GoesOn,
}

internal sealed class Surface
{
    private readonly Axis _outer;
    private readonly Axis[] _inner;
    private readonly double[][] _values;

    /// <summary>Points at one place count with their mean.</summary>
    public Surface(IEnumerable<SurfacePoint> points, Beyond beyond)
    {
        var sorted = points.OrderBy(point => point.Outer).ThenBy(point => point.Inner).ToArray();
        var outer = new List<double>();
        var inner = new List<Axis>();
        var values = new List<double[]>();
        for (int begin = 0, end; begin < sorted.Length; begin = end)
        {
            end = begin + 1;
            while (end < sorted.Length && sorted[end].Outer == sorted[begin].Outer)
            {
                end++;
            }
            var (places, means) = Curve(sorted.AsSpan(begin, end - begin));
            outer.Add(sorted[begin].Outer);
            inner.Add(new Axis(places, beyond));
            values.Add(means);
        }
        _outer = new Axis([.. outer], beyond);
        _inner = [.. inner];
        _values = [.. values];
    }

    public double At(double outer, double inner)
    {
        var i = _outer.Find(outer);
        var first = _inner[i].At(inner, _values[i]);
        return _outer.Length == 1
            ? _outer.Of(outer, i, first, first)
            : _outer.Of(outer, i, first, _inner[i + 1].At(inner, _values[i + 1]));
    }

    // In ascending order of places, each of them once.
    private static (double[] Places, double[] Means) Curve(ReadOnlySpan<SurfacePoint> sorted)
    {
        var places = new List<double>(sorted.Length);
        var means = new List<double>(sorted.Length);
        var count = 0;
        foreach (var point in sorted)
        {
            if (places.Count > 0 && places[^1] == point.Inner)
            {
                count++;
                means[^1] += (point.Value - means[^1]) / count;
                continue;
            }
            count = 1;
            places.Add(point.Inner);
            means.Add(point.Value);
        }
        return ([.. places], [.. means]);
    }

    /// <summary>Places of values, ascending.</summary>
    private readonly struct Axis(double[] places, Beyond beyond)
    {
        // Of the first value: no extrapolation makes a launch free.
        private const double Floor = 0.01;

        public int Length => places.Length;

        /// <summary>The first of the two places to look at.</summary>
        public int Find(double at)
        {
            var i = 0;
            while (i + 2 < places.Length && places[i + 1] < at)
            {
                i++;
            }
            return i;
        }

        public double At(double at, double[] values)
        {
            var i = Find(at);
            return Of(at, i, values[i], values[Math.Min(i + 1, values.Length - 1)]);
        }

        /// <summary>From the values at place i and at the next one, if there is one.</summary>
        public double Of(double at, int i, double first, double second)
        {
            var start = places[i];
            if (beyond == Beyond.Stays)
            {
                at = Math.Clamp(at, places[0], places[^1]);
            }
            if (at == start || (places.Length == 1 && start <= 0))
            {
                return first;
            }
            if (places.Length == 1)
            {
                return first * Math.Max(Floor, at / start);
            }
            var slope = (second - first) / (places[i + 1] - start);
            if (at > places[i + 1])
            {
                return second + Math.Max(0, slope) * (at - places[i + 1]);
            }
            var line = first + slope * (at - start);
            return at > start
                ? line
                : Math.Clamp(line, first * Math.Max(Floor, at / start), first);
        }
    }
}
