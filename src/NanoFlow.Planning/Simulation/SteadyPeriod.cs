namespace NanoFlow.Planning.Simulation;

/// <summary>The period of a layer, from the ends of layers.</summary>
public static class SteadyPeriod
{
    // Layers at the start fill the lanes, those at the end drain them.
    private const int Margin = 2;

    // A plan's layers may repeat in twos or threes rather than one by one: distances are taken over
    // several.
    private const int Window = 6;

    /// <summary>Microseconds: the median distance of layers a window apart, so that one stall of a
    /// shared machine does not count; of the whole step where there are few layers.</summary>
    /// <param name="layerEnds">Ascending.</param>
    /// <param name="step">Used when there is no distance at all.</param>
    public static double Of(ReadOnlySpan<double> layerEnds, double step)
    {
        if (layerEnds.Length < 2)
        {
            return step;
        }
        var first = layerEnds.Length > 2 * Margin + 1 ? Margin : 0;
        var inner = layerEnds[first..(layerEnds.Length - first)];
        if (inner.Length <= Window)
        {
            return (inner[^1] - inner[0]) / (inner.Length - 1);
        }
        var distances = new double[inner.Length - Window];
        for (var i = 0; i < distances.Length; i++)
        {
            distances[i] = (inner[i + Window] - inner[i]) / Window;
        }
        Array.Sort(distances);
        return distances[distances.Length / 2];
    }

    /// <summary>The same of a step that was traced.</summary>
    public static double Of(IReadOnlyList<TimelineSpan> spans, int layerCount)
    {
        var ends = new double[layerCount];
        var step = 0.0;
        foreach (var span in spans)
        {
            step = Math.Max(step, span.EndMicroseconds);
            if (span.Tick >= 1 && span.Tick <= layerCount)
            {
                ends[span.Tick - 1] = Math.Max(ends[span.Tick - 1], span.EndMicroseconds);
            }
        }
        return Of(ends, step);
    }
}
