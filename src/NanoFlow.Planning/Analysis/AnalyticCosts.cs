// Times of launches on a GPU that is not here. The unit is a tenth of the device.
//
// A launch takes a fixed part, which splitting pays again and again, and its roofline times a
// factor: how much longer than its roofline that kind of op took where it was measured (the
// published table of operations, Llama-2-70B on eight A100). Prefill attention is bound by its
// launch there, so the whole difference is fixed. On a share of the device the rest keeps the share
// of its speed that the published exchange curves give. Those were measured beside ops of other
// resources, which therefore slow nothing down; ops of one resource share its speed.

namespace NanoFlow.Planning.Analysis;

public sealed class AnalyticCosts : ICostModel
{
    private const int Tenths = 10;

    private readonly Accelerator _device;
    private readonly NumberFormat _format;
    private readonly double _prompt;
    private readonly CostConstants _constants;

    /// <param name="device">One of the cluster.</param>
    /// <param name="workload">A chunk of prefill holds several of its prompts.</param>
    public AnalyticCosts(
        Accelerator device, NumberFormat format, Workload workload, CostConstants constants)
    {
        _device = device;
        _format = format;
        _prompt = workload.Prompt;
        _constants = constants;
    }

    public int UnitCount => Tenths;

    public IReadOnlyList<int> UnitChoices { get; } = [.. Enumerable.Range(1, Tenths)];

    public bool MayExceedUnits => true;

    public double HandoffMicroseconds => 0;

    public double Time(in Launch launch)
    {
        var (op, work) = (launch.Op, launch.Work);
        if (work.Rows == 0)
        {
            return 0;
        }
        if (op.Part == RowPart.Prefill)
        {
            work = work with { Context = Math.Min(work.Context, _prompt) };
        }
        var (fixedPart, factor) = Efficiency.Of(op, _constants.LaunchMicroseconds);
        var perRow = op.Part == RowPart.Decode ? _constants.DecodeRowMicroseconds : 0;
        var best = factor * Roofline(op, work) + perRow * work.Rows;
        return fixedPart + best / Speed(op.Resource, launch.Units);
    }

    public double SlowDown(in Launch launch, in Launch other)
    {
        var resource = launch.Op.Resource;
        if (resource != other.Op.Resource)
        {
            return 1;
        }
        var speeds = Speed(resource, launch.Units) + Speed(resource, other.Units);
        var excess = Math.Max(1, (double)(launch.Units + other.Units) / Tenths);
        return Math.Max(1, speeds / excess);
    }

    private static double Speed(ResourceKind resource, int units) =>
        CostConstants.Speed(resource, (double)units / Tenths);

    // Microseconds by the data sheet.
    private double Roofline(GraphOp op, in NanoWork work) =>
        op.Resource == ResourceKind.Network
            ? op.Bytes(work) / (_device.NetworkGbps / 2 * 1e3)
            : Math.Max(
                op.Work.Flops(work) / (_device.Flops(_format) / 1e6),
                op.Bytes(work) / (_device.MemoryGbps * 1e3));
}
