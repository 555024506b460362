namespace NanoFlow.Planning;

/// <summary>What a whole step has to do, at least: every weight and page is read once.</summary>
public readonly record struct StepWork(double Flops, double Bytes)
{
    public static StepWork Of(GraphFacts graph, StepMix mix)
    {
        var flops = 0.0;
        var bytes = 0.0;
        foreach (var op in graph.Ops)
        {
            var (begin, end) = mix.Scale(op, 0, 1, 1);
            var work = mix.WorkOf(op, begin, end);
            var times = op.Segment == Segment.Layer ? graph.LayerCount : 1;
            flops += times * op.Work.Flops(work);
            bytes += times * op.Bytes(work);
        }
        return new StepWork(flops, bytes);
    }
}
