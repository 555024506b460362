// Times of launches on a CPU that is not here. The unit is a core. A launch takes its roofline on
// its cores; a few cores get a share of the memory's bandwidth. Two launches that together ask for
// more than the whole bandwidth are slowed down in proportion, both.

namespace NanoFlow.Planning.Analysis;

public sealed class CoreCosts : ICostModel
{
    // Shares of the cores that a launch may get.
    private const int Shares = 16;

    private readonly Accelerator _device;

    public CoreCosts(Accelerator device)
    {
        _device = device;
        var shares = Math.Min(Shares, device.Cores);
        UnitChoices = [.. Enumerable.Range(1, shares).Select(i => i * device.Cores / shares)];
    }

    public int UnitCount => _device.Cores;

    public IReadOnlyList<int> UnitChoices { get; }

    public bool MayExceedUnits => false;

    public double HandoffMicroseconds => 0;

    // Bytes a microsecond.
    private double Bandwidth => _device.MemoryGbps * 1e3;

    public double Time(in Launch launch)
    {
        if (launch.Work.Rows == 0)
        {
            return 0;
        }
        var work = launch.Op.Work;
        var flops = _device.MeasuredFlops(NumberFormat.Bf16) / 1e6 * launch.Units / _device.Cores;
        var bytes = Bandwidth * Math.Min(1, (double)launch.Units / _device.FullBandwidthCores);
        return Math.Max(work.Flops(launch.Work) / flops, launch.Op.Bytes(launch.Work) / bytes);
    }

    public double SlowDown(in Launch launch, in Launch other) =>
        Math.Max(1, (Demand(launch) + Demand(other)) / Bandwidth);

    // Bytes a microsecond while it runs alone.
    private double Demand(in Launch launch)
    {
        var time = Time(launch);
        return time > 0 ? launch.Op.Bytes(launch.Work) / time : 0;
    }
}
