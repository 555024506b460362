// How much longer than its roofline each kind of op takes: measured over estimated time in the
// published table of operations, less what its launches take whatever their work.

namespace NanoFlow.Planning.Analysis;

internal static class Efficiency
{
    // All-gather, all-gather and all-reduce.
    private const int TransfersPerLayer = 3;

    private static readonly Dictionary<string, (double Roofline, double Measured)> Layer =
        LayerTimes();

    /// <summary>Microseconds of a launch whatever its work, and the factor of its
    /// roofline.</summary>
    public static (double Fixed, double Factor) Of(GraphOp op, double launchMicroseconds)
    {
        var name = PublishedName(op);
        if (name is null)
        {
            // Norms, rotation and activation are bound by memory, and published engines fuse them
            // with their neighbours.
            var (bytes, memory) = Layer[OperationTable.DecodeAttention];
            return (0, memory / bytes);
        }
        var (roofline, measured) = Layer[name];
        if (name == OperationTable.PrefillAttention)
        {
            return (measured - roofline, 1);
        }
        var launches = name == OperationTable.Network ? TransfersPerLayer : 1;
        return (launchMicroseconds, (measured - launches * launchMicroseconds) / roofline);
    }

    private static string? PublishedName(GraphOp op) => op.Resource == ResourceKind.Network
        ? OperationTable.Network
        : op.Name switch
        {
            "qkv" => OperationTable.Qkv,
            "attention_projection" => OperationTable.Output,
            "gate_up" => OperationTable.GateUp,
            "down" => OperationTable.Down,
            "decode_attention" => OperationTable.DecodeAttention,
            "prefill_attention" => OperationTable.PrefillAttention,
            _ => null,
        };

    // Microseconds of a layer.
    private static Dictionary<string, (double Roofline, double Measured)> LayerTimes()
    {
        var layers = Published.Model.Layers;
        var estimated = OperationTable.Of(
            Published.Model,
            new Cluster(Published.Accelerator, Published.DeviceCount),
            new SteadyBatch(Published.OperationsWorkload, Published.StepRows),
            NumberFormat.Bf16);
        return Published.Tables.Operations.ToDictionary(row => row.Name, row => (
            1e3 * estimated.Single(one => one.Name == row.Name).Milliseconds / layers,
            1e3 * row.MeasuredMilliseconds / layers));
    }
}
