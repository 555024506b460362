namespace NanoFlow.Planning.Drawing;

/// <summary>Where on the clock of a measured step the predicted layer lies.</summary>
internal static class Alignment
{
    /// <summary>Ticks of measured layers, ascending.</summary>
    public static IReadOnlyList<int> LayerTicks(Plan plan, IReadOnlyList<TimelineSpan> measured) =>
        [.. measured
            .Where(span => plan.NanoOps[span.NanoOp].Segment == Segment.Layer)
            .Select(span => span.Tick)
            .Distinct()
            .Order()];

    /// <summary>Microseconds from the begin of the step to the begin of the layer's period: the
    /// median of what its nano-ops say.</summary>
    public static double Offset(
        IReadOnlyList<TimelineSpan> measured, int tick, IReadOnlyList<PredictedSpan> predicted)
    {
        var begins = predicted.ToDictionary(span => span.NanoOp, span => span.Begin);
        double[] offsets = [.. measured
            .Where(span => span.Tick == tick && begins.ContainsKey(span.NanoOp))
            .Select(span => span.BeginMicroseconds - begins[span.NanoOp])
            .Order()];
        return offsets.Length == 0 ? 0 : offsets[offsets.Length / 2];
    }
}
