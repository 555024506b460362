// Which nano-ops need which, derived from what ops read and write and from row ranges: the rule of
// native/core/dependency.cpp, for the search, which has no engine at hand. The native core
// checks every plan again; tests trace plans that were ordered by these rules.

namespace NanoFlow.Planning.Simulation;

/// <summary>Nano-op Source of the segment instance TicksBack before must have finished.</summary>
internal readonly record struct Need(int Source, int TicksBack);

/// <summary>Rows [Begin, End) of an op, in rows of the plan's step.</summary>
internal readonly record struct Piece(GraphOp Op, int Begin, int End);

internal sealed class Needs
{
    private readonly GraphFacts _graph;
    private readonly int _stepRows;

    public Needs(GraphFacts graph, int stepRows)
    {
        _graph = graph;
        _stepRows = stepRows;
    }

    /// <param name="isFirstLayer">What comes from the layer before comes from the
    /// prologue.</param>
    public Need[] Of(IReadOnlyList<Piece> pieces, int index, bool isFirstLayer)
    {
        var needs = new List<Need>();
        var reader = pieces[index];
        foreach (var read in reader.Op.Reads)
        {
            var (segment, tensor, back) = OriginOf(reader.Op.Segment, read.Tensor, isFirstLayer);
            var (begin, end) = Rows(reader, read.Reach);
            for (var i = 0; i < pieces.Count; i++)
            {
                var source = pieces[i];
                if (source.Op.Segment == segment && source.Begin < end && source.End > begin
                    && source.Op.Writes.Contains(tensor))
                {
                    needs.Add(new Need(i, back));
                }
            }
        }
        return [.. needs.Distinct()];
    }

    private (int Begin, int End) Rows(Piece reader, Reach reach) => reach switch
    {
        Reach.Same => (reader.Begin, reader.End),
        Reach.Prefix => (0, reader.End),
        _ => (0, _stepRows),
    };

    private (Segment Segment, int Tensor, int TicksBack) OriginOf(
        Segment reader, int tensor, bool isFirstLayer)
    {
        if (reader == Segment.Layer && tensor == _graph.CarryIn)
        {
            return isFirstLayer
                ? (Segment.Prologue, _graph.CarryIn, 1)
                : (Segment.Layer, _graph.CarryOut, 1);
        }
        return reader == Segment.Epilogue && tensor == _graph.CarryOut
            ? (Segment.Layer, _graph.CarryOut, 1)
            : (reader, tensor, 0);
    }
}
