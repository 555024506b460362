// Is there a device of a kind that can be used, and what is it? Asked without an engine: by the
// choice of a device, by the memory plan, and by `nanoflow doctor`.

using NanoFlow.Native;

namespace NanoFlow.Engine;

/// <param name="Device">Null: there is none.</param>
/// <param name="Problem">Why there is none, and what to do; empty where there is one.</param>
public sealed record DeviceProbe(DeviceFacts? Device, string Problem)
{
    /// <param name="index">Of the devices of this kind.</param>
    /// <exception cref="EngineException">The native library is of another version, or the probe
    /// failed for another reason than that there is no such device.</exception>
    public static unsafe DeviceProbe Of(DeviceKind kind, int index = 0)
    {
        NativeEngine.CheckVersion();
        NfDeviceInfo info;
        info.StructSize = (uint)sizeof(NfDeviceInfo);
        var status = NativeMethods.DeviceProbe((uint)kind, (uint)index, &info);
        if (status == NfStatus.Unsupported)
        {
            return new DeviceProbe(null, NativeException.LastMessage());
        }
        NativeException.ThrowIfFailed(status);
        return new DeviceProbe(DeviceFacts.From(info), "");
    }

    /// <summary>A GPU where there is one that can be used, else the CPU; and why.</summary>
    public static (DeviceKind Kind, string Reason) Choose(int index = 0)
    {
        var cuda = Of(DeviceKind.Cuda, index);
        return cuda.Device is { } device
            ? (DeviceKind.Cuda, $"found {device.Processor}")
            : (DeviceKind.Cpu, $"no GPU: {cuda.Problem}");
    }
}
