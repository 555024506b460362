// Graphs of a decoder's layer for the tests of the search, and costs by roofline.

namespace NanoFlow.Planning.Tests.Search;

internal static class LayerGraphs
{
    /// <summary>A layer with the tensors and reaches of a native decoder graph; with network ops
    /// where the layer is spread over devices: 13 ops, else 10 in the layer.</summary>
    public static GraphFacts Decoder(int layers, bool hasNetwork)
    {
        var tensors = new Dictionary<string, int>();
        var ops = new List<GraphOp>();
        Add(Segment.Prologue, "embedding", ResourceKind.Memory, [], ["x"]);
        Layer("attn_norm", ResourceKind.Memory, ["x"], "a");
        Layer("qkv", ResourceKind.Compute, ["a"], "qkv");
        Add(Segment.Layer, "rope_append", ResourceKind.Memory, ["qkv"], ["q", "kv"]);
        Attention("decode_attention", RowPart.Decode, "heads_d");
        Attention("prefill_attention", RowPart.Prefill, "heads_p");
        var heads = new List<string> { "heads_d", "heads_p" };
        if (hasNetwork)
        {
            Layer("attn_gather", ResourceKind.Network, [.. heads], "heads");
            heads = ["heads"];
        }
        Layer("o", ResourceKind.Compute, [.. heads, "x"], "o");
        var attended = hasNetwork ? "x2" : "o";
        if (hasNetwork)
        {
            Layer("o_reduce", ResourceKind.Network, ["o"], "x2");
        }
        Layer("ffn_norm", ResourceKind.Memory, [attended], "f");
        Layer("gate_up", ResourceKind.Compute, ["f"], "gu");
        Layer("activation", ResourceKind.Memory, ["gu"], "act");
        Layer("down", ResourceKind.Compute, ["act", attended], hasNetwork ? "d" : "y");
        if (hasNetwork)
        {
            Layer("down_reduce", ResourceKind.Network, ["d"], "y");
        }
        Add(Segment.Epilogue, "final_norm", ResourceKind.Memory, ["y"], ["n"], Reach.All);
        Add(Segment.Epilogue, "lm_head", ResourceKind.Memory, ["n"], ["logits"]);
        return new GraphFacts(1, ops)
        {
            LayerCount = layers,
            CarryIn = Tensor("x"),
            CarryOut = Tensor("y"),
        };

        int Tensor(string name) => tensors.TryGetValue(name, out var id)
            ? id
            : tensors[name] = tensors.Count;

        void Layer(string name, ResourceKind resource, string[] reads, string write) =>
            Add(Segment.Layer, name, resource, reads, [write]);

        void Attention(string name, RowPart part, string write)
        {
            Add(Segment.Layer, name, ResourceKind.Memory, ["q"], [write]);
            ops[^1] = ops[^1] with
            {
                Part = part,
                Reads =
                [
                    new GraphRead(Tensor("q"), Reach.Same),
                    new GraphRead(Tensor("kv"), Reach.Prefix),
                ],
            };
        }

        void Add(
            Segment segment, string name, ResourceKind resource, string[] reads, string[] writes,
            Reach reach = Reach.Same)
        {
            ops.Add(new GraphOp(
                segment, ops.Count(op => op.Segment == segment), name, name, resource, 1)
            {
                Reads = [.. reads.Select(read => new GraphRead(Tensor(read), reach))],
                Writes = [.. writes.Select(Tensor)],
            });
        }
    }
}

/// <summary>Times of the published per-operation table for LLaMA-2-70B on eight A100 at 2048 rows,
/// in microseconds a layer, with the published exchange curves.</summary>
internal sealed class PublishedCosts : ICostModel
{
    // Share of the best performance on 1 to 10 tenths of the device.
    private static readonly double[] ComputeCurve = [.1, .2, .3, .4, .5, .6, .7, .8, .9, 1];
    private static readonly double[] MemoryCurve = [.2, .3, .55, .8, .81, .82, .83, .85, .95, 1];
    private static readonly double[] NetworkCurve = [.3, .5, .58, .66, .74, .8, .84, .87, .9, 1];

    public int UnitCount => 10;

    public IReadOnlyList<int> UnitChoices { get; } = [.. Enumerable.Range(1, 10)];

    public bool MayExceedUnits => true;

    public double HandoffMicroseconds => 0;

    public double Time(in Launch launch)
    {
        if (launch.Work.Rows == 0)
        {
            return 0;
        }
        var rows = launch.Work.Rows;
        var best = launch.Op.Name switch
        {
            "qkv" => 16.1e3 * rows / 2048,
            "o" => 16.0e3 * rows / 2048,
            "gate_up" => 69.9e3 * rows / 2048,
            "down" => 35.0e3 * rows / 2048,
            "decode_attention" => 19.8e3 * rows * launch.Work.Context / (1024 * 768),
            "prefill_attention" => 4.6e3 * rows / 1024,
            "attn_gather" => 12e3 * rows / 2048,
            "o_reduce" or "down_reduce" => 18e3 * rows / 2048,
            _ => 5.5e3 * rows / 2048,
        } / 80;
        var curve = launch.Op.Resource switch
        {
            ResourceKind.Compute => ComputeCurve,
            ResourceKind.Memory => MemoryCurve,
            _ => NetworkCurve,
        };
        return 2 + best / curve[launch.Units - 1];
    }

    public double SlowDown(in Launch launch, in Launch other) => 1;
}
