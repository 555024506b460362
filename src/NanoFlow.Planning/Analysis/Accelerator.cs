// A device by its figures: what it stores, moves and computes in a second.

namespace NanoFlow.Planning.Analysis;

/// <summary>How the device is shared.</summary>
public enum AcceleratorKind
{
    /// <summary>In tenths, by the published curves.</summary>
    Gpu = 0,

    /// <summary>In cores.</summary>
    Cpu = 1,
}

/// <summary>Bytes of a weight and of an element of the KV cache.</summary>
public enum NumberFormat
{
    Fp8 = 1,
    Bf16 = 2,
}

/// <param name="MemoryGb">10^9 bytes.</param>
/// <param name="NetworkGbps">10^9 bytes a second, both directions together; 0: none.</param>
/// <param name="Tflops">10^12 FLOPs a second of bf16 or fp16, from the data sheet.</param>
public sealed record Accelerator(
    string Name,
    AcceleratorKind Kind,
    double MemoryGb,
    double MemoryGbps,
    double NetworkGbps,
    double Tflops)
{
    /// <summary>0: it has none.</summary>
    public double Fp8Tflops { get; init; }

    /// <summary>What GEMMs reach of Tflops at best; 1 where nobody has measured it.</summary>
    public double MeasuredShare { get; init; } = 1;

    /// <summary>Of a CPU; otherwise 0.</summary>
    public int Cores { get; init; }

    /// <summary>Cores that together saturate the memory; fewer get a share.</summary>
    public int FullBandwidthCores { get; init; }

    /// <summary>FLOPs a second by the data sheet.</summary>
    public double Flops(NumberFormat format) =>
        1e12 * (format == NumberFormat.Fp8 ? Fp8Tflops : Tflops);

    /// <summary>FLOPs a second that GEMMs reach.</summary>
    public double MeasuredFlops(NumberFormat format) => MeasuredShare * Flops(format);
}

/// <summary>Equal devices that hold one model together.</summary>
public readonly record struct Cluster(Accelerator Device, int Count)
{
    public double MemoryBytes => 1e9 * Device.MemoryGb * Count;

    public double MemoryBytesPerSecond => 1e9 * Device.MemoryGbps * Count;

    /// <summary>In one direction: data sheets add both.</summary>
    public double NetworkBytesPerSecond => 1e9 * Device.NetworkGbps / 2 * Count;

    public double Flops(NumberFormat format) => Device.Flops(format) * Count;

    public double MeasuredFlops(NumberFormat format) => Device.MeasuredFlops(format) * Count;
}
