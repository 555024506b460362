// Plans on disk: one JSON object. Ops are named, so that a person can read it; the hash of the
// graph, the fingerprint of the device and the version of the program say what it was found for,
// and it is refused for anything else.
//
// Reading bounds every count, index and number before it is used. Whether the nano-ops of a plan
// cover the graph in an order that can run is decided where the graph is: nf_program_create.

namespace NanoFlow.Planning;

public static class PlanFile
{
    // Object, buckets, bucket, nano-ops, nano-op.
    private const int Depth = 5;

    private static readonly OriginFile Form =
        new("nanoflow-plan", Version: 2, "plan", PlanLimits.FileBytes, Depth);

    /// <exception cref="ArgumentException">It would be too large to be read again.</exception>
    public static byte[] Write(PlanSet set) =>
        Form.Write(set.Origin, set.Model, json => PlanWriter.Write(json, set));

    /// <summary>Whatever it was found for; its ops have names and resources and nothing
    /// else.</summary>
    /// <exception cref="PlanFormatException">It is no plan file.</exception>
    public static PlanSet Parse(ReadOnlyMemory<byte> utf8) => Form.Read(utf8, PlanReader.Read);

    /// <summary>For this graph on this device, with the ops of the graph.</summary>
    /// <exception cref="PlanFormatException">It is no plan file, or for something else.</exception>
    public static PlanSet Read(ReadOnlyMemory<byte> utf8, GraphFacts graph, Origin here) =>
        Form.Read(utf8, root =>
        {
            OriginFile.RequireOrigin(root, here);
            var set = PlanReader.Read(root);
            CheckOps(set, graph, root);
            return set with { Ops = graph.Ops };
        });

    // Nano-ops hold indices of ops: the list that they were read with must be the graph's own.
    private static void CheckOps(PlanSet set, GraphFacts graph, PlanSection root)
    {
        if (set.Ops.Count != graph.Ops.Count)
        {
            throw root.Error("ops", $"has {set.Ops.Count}, the graph has {graph.Ops.Count}");
        }
        for (var i = 0; i < graph.Ops.Count; i++)
        {
            var (there, own) = (set.Ops[i], graph.Ops[i]);
            if ((there.Segment, there.Index, there.Name) != (own.Segment, own.Index, own.Name))
            {
                throw root.Error($"ops[{i}]", $"is {Text(there)}, in the graph {Text(own)}");
            }
        }
        for (var b = 0; b < set.Buckets.Count; b++)
        {
            CheckKernels(set.Buckets[b].Plan, b, graph, root);
        }
    }

    private static void CheckKernels(Plan plan, int bucket, GraphFacts graph, PlanSection root)
    {
        for (var i = 0; i < plan.NanoOps.Count; i++)
        {
            var nano = plan.NanoOps[i];
            var max = Math.Max(0, graph.At(nano.Segment, nano.Op).KernelCount - 1);
            if (nano.Kernel > max)
            {
                throw root.Error(
                    $"buckets[{bucket}].nano_ops[{i}].kernel",
                    $"is {nano.Kernel}, allowed are 0 to {max}");
            }
        }
    }

    private static string Text(GraphOp op) => $"{EnumNames.Of(op.Segment)} '{op.Name}'";
}
