using NanoFlow.Native;

namespace NanoFlow.Engine;

/// <summary>What a device is, as the native core describes it.</summary>
/// <param name="Name">E.g. "cpu".</param>
/// <param name="UnitCount">What partitions share: worker threads of a CPU, SMs of a GPU.</param>
/// <param name="InstructionSet">What the kernels were chosen for.</param>
/// <param name="Reason">Why that one.</param>
public sealed record DeviceFacts(
    string Name, int UnitCount, string InstructionSet, string Reason)
{
    /// <summary>The processor's own name.</summary>
    public string Processor { get; init; } = "unknown";

    /// <summary>Ranges of a plan are rounded to so many rows in a step of another
    /// size.</summary>
    public int RowTile { get; init; } = 1;

    /// <summary>Hard split: it can be cut into partitions with units of their own.</summary>
    public bool HasDisjointPartitions { get; init; } = true;

    /// <summary>Soft split: units of nano-ops that run at the same time may add up to more than
    /// there are.</summary>
    public bool MayExceedUnits { get; init; }

    /// <summary>A disjoint partition has a multiple of so many units, or all of them.</summary>
    public int UnitStep { get; init; } = 1;

    /// <summary>Bytes of the device's own memory; 0: it uses the host's.</summary>
    public long MemoryTotal { get; init; }

    /// <summary>Of it, before an engine took any.</summary>
    public long MemoryFree { get; init; }

    /// <summary>What it needs of the system, with versions; may be empty.</summary>
    public string Libraries { get; init; } = "";

    public bool HasOwnMemory => MemoryTotal > 0;

    /// <summary>What a measurement holds for.</summary>
    public string Fingerprint => $"{Name}/{InstructionSet}/{UnitCount}/{Processor}";

    internal static DeviceFacts From(in NfDeviceInfo info)
    {
        var flags = (NfDeviceFlag)info.Flags;
        return new DeviceFacts(
            NativeText.Of(info.Name),
            (int)info.NumUnits,
            NativeText.Of(info.Isa),
            NativeText.Of(info.Reason))
        {
            Processor = NativeText.Of(info.Processor),
            RowTile = (int)info.RowTile,
            HasDisjointPartitions = flags.HasFlag(NfDeviceFlag.DisjointPartitions),
            MayExceedUnits = flags.HasFlag(NfDeviceFlag.MayExceedUnits),
            UnitStep = Math.Max(1, (int)info.UnitStep),
            MemoryTotal = checked((long)info.MemoryTotal),
            MemoryFree = checked((long)info.MemoryFree),
            Libraries = NativeText.Of(info.Libraries),
        };
    }
}
