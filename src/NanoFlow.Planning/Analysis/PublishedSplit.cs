// The nano-batches of the published plan for Llama-2-70B on eight A100, one after the other: what
// the ablation calls nano-batching without overlap. Two nano-batches, rows 0 to 768 and the rest;
// the products that make queries, keys and values, and the decode attention, in four parts each.

namespace NanoFlow.Planning.Analysis;

public static class PublishedSplit
{
    private const int FirstRows = 768;
    private const int PublishedRows = 2048;

    public static Plan PlanOf(GraphFacts graph, StepMix mix, int unitCount)
    {
        var first = (int)((long)mix.Rows * FirstRows / PublishedRows);
        int[] halves = [first];
        int[] quarters = [first / 2, first, (first + mix.Rows) / 2];
        int[] decodeQuarters =
            [mix.DecodeRows / 4, mix.DecodeRows / 2, (int)(3L * mix.DecodeRows / 4)];
        var nanoOps = new List<NanoOp>();
        foreach (var op in graph.Ops)
        {
            var begin = 0;
            foreach (var end in Cuts(op).Append(mix.Rows).Where(row => row > 0))
            {
                nanoOps.Add(new NanoOp(op.Segment, op.Index, 0, 0, 0, begin, end));
                begin = end;
            }
        }
        return new Plan
        {
            StepRows = mix.Rows,
            Partitions = [new Partition(PartitionKind.Shared, 0, unitCount)],
            Lanes = [new Lane(0)],
            NanoOps = nanoOps,
        };

        int[] Cuts(GraphOp op) => op.Segment != Segment.Layer ? [] : op.Name switch
        {
            "qkv" or "rope_append" => quarters,
            "decode_attention" => decodeQuarters,
            "prefill_attention" => [],
            _ => halves,
        };
    }
}
