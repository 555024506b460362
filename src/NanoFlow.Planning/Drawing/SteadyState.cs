namespace NanoFlow.Planning.Drawing;

/// <summary>A nano-op on a picture, in microseconds from its left edge.</summary>
/// <param name="Layer">0: the layer of the picture; others come before and after it.</param>
internal readonly record struct Block(int NanoOp, int Layer, double Begin, double End);

/// <summary>Layers that follow each other, each one period after the one before: what is seen in
/// the time of two.</summary>
internal sealed class SteadyState
{
    // A layer reaches into the ones beside it, and never far: lanes run ahead by two at most. It
    // also bounds what a file can make us draw.
    private const int Reach = 4;

    // Microseconds: nothing shorter can be seen, or divided by.
    private const double MinPeriod = 1e-3;

    public SteadyState(PlanBucket bucket)
    {
        Blocks = [];
        if (bucket.Predicted.Count == 0)
        {
            return;
        }
        // Without a period there is one layer, alone.
        var isSteady = bucket.Times.Period >= MinPeriod;
        Period = isSteady ? bucket.Times.Period : bucket.Predicted.Max(span => span.End);
        if (Period < MinPeriod)
        {
            return;
        }
        Window = isSteady ? 2 * Period : Period;
        Blocks = [.. Enumerable.Range(-Reach, 2 * Reach + 1)
            .Where(layer => isSteady || layer == 0)
            .SelectMany(layer => bucket.Predicted.Select(span => new Block(
                span.NanoOp, layer, span.Begin + layer * Period, span.End + layer * Period)))
            .Where(block => block.Begin < Window && block.End > 0)
            .OrderBy(block => block.Begin)];
    }

    public double Period { get; }

    /// <summary>What the picture shows; 0: there is nothing to show.</summary>
    public double Window { get; }

    public IReadOnlyList<Block> Blocks { get; }

    /// <summary>Blocks of a measured step at the same times: its middle layer is laid over the
    /// predicted one.</summary>
    public IReadOnlyList<Block> Lay(
        PlanBucket bucket, IReadOnlyList<TimelineSpan> measured)
    {
        var layers = Alignment.LayerTicks(bucket.Plan, measured);
        if (layers.Count == 0 || Window <= 0)
        {
            return [];
        }
        var tick = layers[layers.Count / 2];
        var offset = Alignment.Offset(measured, tick, bucket.Predicted);
        return [.. measured
            .Select(span => new Block(
                span.NanoOp,
                span.Tick - tick,
                span.BeginMicroseconds - offset,
                span.EndMicroseconds - offset))
            .Where(block => block.Begin < Window && block.End > 0)
            .OrderBy(block => block.Begin)];
    }
}
