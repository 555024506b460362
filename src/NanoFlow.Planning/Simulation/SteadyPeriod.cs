namespace NanoFlow.Planning.Simulation;

/// <summary>The period of a layer, from the ends of some layers.</summary>
public static class SteadyPeriod
{
    // Layers at the start fill the lanes, those at the end drain them; the first layers have no
    // neighbour before, the last ones none behind.
    private const int Margin = 2;

    /// <summary>The mean distance of the inner layers' ends; of all when there are few.</summary>
    /// <param name="layerEnds">Ascending.</param>
    /// <param name="step">Used when there is no distance at all.</param>
    public static double Of(ReadOnlySpan<double> layerEnds, double step)
    {
        if (layerEnds.Length < 2)
        {
            return step;
        }
        var first = layerEnds.Length > 2 * Margin + 1 ? Margin : 0;
        var last = layerEnds.Length - 1 - first;
        return (layerEnds[last] - layerEnds[first]) / (last - first);
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
