using System.Globalization;

namespace NanoFlow.Engine;

/// <summary>Memory that an engine may take. All in bytes.</summary>
/// <param name="Available">For everything together.</param>
/// <param name="Origin">Where that figure comes from, for people; may be empty.</param>
/// <param name="Reserve">Of it, kept for what the engine does not allocate itself.</param>
/// <param name="IsDevice">It is a device's own memory; source tensors are mapped elsewhere.</param>
internal sealed record MemoryBudget(long Available, string Origin, long Reserve, bool IsDevice)
{
    /// <summary>On a GPU: workspaces of lanes and of cuBLASLt, captured graphs, code of kernels and
    /// the driver's own. A gibibyte is more than was seen of each of them, and 1 % of the devices
    /// that serve.</summary>
    public const long DeviceReserve = 1L << 30;

    public static MemoryBudget OfHost(long available) => new(available, "", 0, IsDevice: false);

    public static MemoryBudget OfDevice(DeviceFacts device, EngineOptions options)
    {
        // A KV cache of a given size takes what it takes.
        var share = options.KvCacheBytes is null ? options.GpuMemoryUtilization : 1;
        var allowed = (long)(device.MemoryTotal * share);
        return new MemoryBudget(
            Math.Min(allowed, device.MemoryFree),
            allowed <= device.MemoryFree
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $" = {share:P0} of {MemoryPlan.Mib(device.MemoryTotal)} on {device.Processor}")
                : $", all that is free of {MemoryPlan.Mib(device.MemoryTotal)} on "
                    + device.Processor,
            DeviceReserve,
            IsDevice: true);
    }
}
