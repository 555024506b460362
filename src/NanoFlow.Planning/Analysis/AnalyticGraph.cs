// The graph of a tensor-parallel decoder as one of its devices sees it, without weights or kernels:
// what the search needs to know of a model that is not here. The ops and their names are those of
// native/models/decoder.cpp, with three transfers where there is more than one device: heads are
// gathered before the projection, whose columns are gathered after it, and the feed-forward is
// summed up.

namespace NanoFlow.Planning.Analysis;

public static class AnalyticGraph
{
    public const string AllGather = "all_gather";
    public const string AllReduce = "all_reduce";

    /// <param name="deviceCount">That share heads and widths evenly.</param>
    public static GraphFacts Of(DecoderShape model, int deviceCount, NumberFormat format)
    {
        var ops = new OpList(model, deviceCount, format);
        ops.AddPrologue();
        ops.AddAttention();
        ops.AddFeedForward();
        ops.AddEpilogue();
        return new GraphFacts(0, ops.List)
        {
            LayerCount = model.Layers,
            CarryIn = OpList.CarryIn,
            CarryOut = OpList.CarryOut,
        };
    }

    private sealed class OpList(DecoderShape model, int deviceCount, NumberFormat format)
    {
        public const int CarryIn = 0;
        public const int CarryOut = 1;

        private const int None = GraphFacts.None;

        private readonly double _element = (int)format;
        private readonly double _share = 1.0 / deviceCount;
        private int _tensorCount = CarryOut + 1;
        private int _middle;

        public List<GraphOp> List { get; } = [];

        public void AddPrologue() => Move(
            Segment.Prologue, "embedding", "embedding", 2.0 * model.Hidden, [], CarryIn);

        public void AddAttention()
        {
            var width = model.QueryWidth * _share;
            var normed = Norm("input_norm", CarryIn);
            var qkv = Gemm("qkv", model.Hidden, model.QkvWidth, [normed]);
            var q = New();
            var kv = New();
            Move(
                Segment.Layer, "rope_append", "rope_append", 2 * model.QkvWidth * _share,
                [new(qkv, Reach.Same)], q, kv);

            // A decode row needs only its own appended row; a prefill row also those before it.
            var heads = New();
            Attention("decode_attention", RowPart.Decode, new OpWork(
                RowFlops: 0,
                RowBytes: 2 * width * _element,
                WeightBytes: 0,
                ContextFlops: 4 * width,
                ContextBytes: 2 * model.KvWidth * _share * _element));
            Attention("prefill_attention", RowPart.Prefill, new OpWork(
                RowFlops: 0,
                RowBytes: 2 * (width + model.KvWidth * _share) * _element,
                WeightBytes: 0,
                ContextFlops: 4 * width,
                ContextBytes: 0));

            var gathered = Transfer("attention_gather", AllGather, 1, heads);
            _middle = New();
            var partial = deviceCount > 1 ? New() : _middle;
            Gemm(
                "attention_projection", model.QueryWidth, model.Hidden, [gathered, CarryIn],
                partial);
            Transfer("projection_gather", AllGather, 1, partial, _middle);

            void Attention(string name, RowPart part, OpWork work) => Add(
                Segment.Layer,
                name,
                name,
                part == RowPart.Decode ? ResourceKind.Memory : ResourceKind.Compute,
                work,
                [new(q, Reach.Same), new(kv, part == RowPart.Decode ? Reach.Same : Reach.Prefix)],
                [heads],
                part);
        }

        public void AddFeedForward()
        {
            var active = Math.Max(1, model.ActiveExperts);
            var all = Math.Max(1, model.Experts);
            var normed = Norm("mlp_norm", _middle);
            var both = Gemm(
                "gate_up", model.Hidden, 2.0 * model.Intermediate, [normed], None, active, all);
            var activated = New();
            Move(
                Segment.Layer, "swi_glu", "swi_glu", 3.0 * model.Intermediate * active * _share,
                [new(both, Reach.Same)], activated);
            var partial = deviceCount > 1 ? New() : CarryOut;
            Gemm(
                "down", model.Intermediate, model.Hidden, [activated, _middle], partial,
                active, all);
            Transfer("down_reduce", AllReduce, 2, partial, CarryOut);
        }

        public void AddEpilogue()
        {
            var normed = New();
            var logits = New();
            Move(
                Segment.Epilogue, "final_norm", "rms_norm", 2.0 * model.Hidden,
                [new(CarryOut, Reach.All)], normed);
            Add(
                Segment.Epilogue, "lm_head", "gemm", ResourceKind.Memory,
                GemmWork(model.Hidden, model.Vocabulary, 1, 1),
                [new(normed, Reach.Same)], [logits]);
            Move(
                Segment.Epilogue, "sample", "sample", model.Vocabulary * _share,
                [new(logits, Reach.Same)]);
        }

        private int New() => _tensorCount++;

        private int Norm(string name, int from)
        {
            var to = New();
            Move(
                Segment.Layer, name, "rms_norm", 2.0 * model.Hidden, [new(from, Reach.Same)], to);
            return to;
        }

        // Each device holds its share of the weights and has its share of the work.
        private int Gemm(
            string name,
            double width,
            double outputs,
            int[] reads,
            int to = None,
            int perRow = 1,
            int weights = 1)
        {
            to = to == None ? New() : to;
            Add(
                Segment.Layer, name, "gemm", ResourceKind.Compute,
                GemmWork(width, outputs, perRow, weights),
                [.. reads.Select(tensor => new GraphRead(tensor, Reach.Same))],
                [to]);
            return to;
        }

        private OpWork GemmWork(double width, double outputs, int perRow, int weights) => new(
            RowFlops: 2 * width * outputs * perRow * _share,
            RowBytes: (width + outputs) * perRow * _element * _share,
            WeightBytes: width * outputs * weights * _element * _share,
            ContextFlops: 0,
            ContextBytes: 0);

        // Of the network an op's bytes are those it sends; one device has nothing to send.
        private int Transfer(string name, string kind, int passes, int from, int to = None)
        {
            if (deviceCount == 1)
            {
                return from;
            }
            to = to == None ? New() : to;
            var bytes = passes * model.Hidden * _element * (1 - _share);
            Add(
                Segment.Layer, name, kind, ResourceKind.Network,
                new OpWork(0, bytes, 0, 0, 0), [new(from, Reach.Same)], [to]);
            return to;
        }

        private void Move(
            Segment segment,
            string name,
            string kind,
            double elements,
            GraphRead[] reads,
            params int[] writes) => Add(
                segment, name, kind, ResourceKind.Memory,
                new OpWork(0, elements * _element, 0, 0, 0), reads, writes);

        private void Add(
            Segment segment,
            string name,
            string kind,
            ResourceKind resource,
            OpWork work,
            GraphRead[] reads,
            int[] writes,
            RowPart part = RowPart.All)
        {
            var index = List.Count(op => op.Segment == segment);
            List.Add(new GraphOp(segment, index, name, kind, resource, KernelCount: 1)
            {
                Rows = segment == Segment.Epilogue ? RowSpace.Sample : RowSpace.Token,
                Part = part,
                Reads = reads,
                Writes = writes,
                Work = work,
            });
        }
    }
}
