// What is known of a kernel's launch before it is measured, what was measured, and the least time
// that the machine's peaks leave it.

namespace NanoFlow.Engine.Measuring;

/// <summary>What products are made of.</summary>
public enum Arithmetic
{
    F32 = 0,
    Bf16 = 1,
    I8 = 2,
}

/// <param name="Operations">Of products and attention, a multiply-add being two; else 0.</param>
/// <param name="Bytes">That a launch must move between memory and the caches.</param>
public sealed record KernelCase(
    int Index,
    string Kernel,
    string Kind,
    string Shape,
    int Rows,
    Arithmetic Arithmetic,
    double Operations,
    double Bytes);

/// <summary>Of launches, in microseconds.</summary>
public sealed record KernelTimes(double Median, double Min, double Max, int Launches);

/// <summary>A second; 0: the instruction set does not have it.</summary>
/// <param name="Bytes">Read from memory.</param>
public sealed record KernelPeaks(double F32, double Bf16, double I8, double Bytes)
{
    public double Of(Arithmetic arithmetic) => arithmetic switch
    {
        Arithmetic.F32 => F32,
        Arithmetic.Bf16 => Bf16,
        _ => I8,
    };

    /// <summary>The peak that leaves a launch the most time, and that time. Null: nothing bounds
    /// it.</summary>
    public KernelBound? Bound(KernelCase which)
    {
        var arithmetic = which.Operations > 0
            ? which.Operations / Of(which.Arithmetic) * 1e6
            : 0;
        var memory = which.Bytes / Bytes * 1e6;
        return Math.Max(arithmetic, memory) <= 0 ? null
            : arithmetic > memory ? new KernelBound(which.Arithmetic, arithmetic)
            : new KernelBound(null, memory);
    }
}

/// <param name="Arithmetic">Null: memory bounds it.</param>
public sealed record KernelBound(Arithmetic? Arithmetic, double Microseconds);
