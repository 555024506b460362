// --device as it was meant: a device of the machine, and why that one.

using NanoFlow.Cli;
using NanoFlow.Engine;

namespace NanoFlow.Commands;

internal enum DeviceWish
{
    /// <summary>A GPU where there is one, else the CPU.</summary>
    Auto,
    Cuda,
    Cpu,
    Reference,
}

/// <param name="Reason">Empty where the device was named.</param>
internal sealed record ChosenDevice(DeviceKind Kind, string Reason)
{
    /// <summary>As --device has it.</summary>
    public string Name => Kind switch
    {
        DeviceKind.Cuda => "cuda",
        DeviceKind.Cpu => "cpu",
        _ => "reference",
    };

    public static ChosenDevice Of(Given given) => given.Get(EngineFlags.Device, DeviceWish.Auto)
        switch
    {
        DeviceWish.Cuda => new(DeviceKind.Cuda, ""),
        DeviceWish.Cpu => new(DeviceKind.Cpu, ""),
        DeviceWish.Reference => new(DeviceKind.Reference, ""),
        _ => Probed(given.Get(EngineFlags.DeviceIndex, 0)),
    };

    public override string ToString() => Reason.Length == 0 ? Name : $"{Name}: {Reason}";

    private static ChosenDevice Probed(int index)
    {
        var (kind, reason) = DeviceProbe.Choose(index);
        return new ChosenDevice(kind, reason);
    }
}
