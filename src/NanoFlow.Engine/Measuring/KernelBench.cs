// The kernels of the CPU backend one by one, on a number of threads, and the peaks of the machine.
// Statuses of the native side become exceptions, as in NativeEngine.

using System.Text;
using NanoFlow.Native;

namespace NanoFlow.Engine.Measuring;

public sealed unsafe class KernelBench : IDisposable
{
    private NfKernelBench* _bench;

    private KernelBench(NfKernelBench* bench)
    {
        _bench = bench;
        uint count;
        NativeException.ThrowIfFailed(NativeMethods.KernelBenchCount(_bench, &count));
        Cases = [.. Enumerable.Range(0, (int)count).Select(Describe)];
    }

    public IReadOnlyList<KernelCase> Cases { get; }

    /// <param name="threads">0: all that the process may use.</param>
    /// <param name="instructionSet">Null: what engines use.</param>
    /// <param name="matrix">Of all products; null: a list.</param>
    /// <exception cref="EngineException">There is no such instruction set here, or not enough
    /// memory.</exception>
    public static KernelBench Open(int threads, string? instructionSet, (int Out, int In)? matrix)
    {
        NativeEngine.CheckVersion();
        var name = instructionSet is null ? null : Encoding.UTF8.GetBytes(instructionSet + '\0');
        fixed (byte* utf8 = name)
        {
            var options = new NfKernelBenchOptions
            {
                StructSize = (uint)sizeof(NfKernelBenchOptions),
                NumThreads = checked((uint)threads),
                MemoryBytes = (ulong)(AvailableMemory.Bytes() / 2),
                Isa = utf8,
                MatrixOut = checked((uint)(matrix?.Out ?? 0)),
                MatrixIn = checked((uint)(matrix?.In ?? 0)),
            };
            NfKernelBench* bench;
            NativeException.ThrowIfFailed(NativeMethods.KernelBenchCreate(&options, &bench));
            return new KernelBench(bench);
        }
    }

    /// <summary>Launches a case at least so long and so often.</summary>
    public KernelTimes Run(KernelCase which, TimeSpan minimum, int launches)
    {
        NfKernelTimes times;
        NativeException.ThrowIfFailed(NativeMethods.KernelBenchRun(
            _bench, (uint)which.Index, Microseconds(minimum), checked((uint)launches), &times));
        return new KernelTimes(times.MedianUs, times.MinUs, times.MaxUs, (int)times.Count);
    }

    /// <summary>The same effort for each peak.</summary>
    public KernelPeaks MeasurePeaks(TimeSpan minimum, int launches)
    {
        NfPeaks peaks;
        NativeException.ThrowIfFailed(NativeMethods.KernelBenchPeaks(
            _bench, Microseconds(minimum), checked((uint)launches), &peaks));
        return new KernelPeaks(
            peaks.OperationsPerS[(int)Arithmetic.F32],
            peaks.OperationsPerS[(int)Arithmetic.Bf16],
            peaks.OperationsPerS[(int)Arithmetic.I8],
            peaks.ReadBytesPerS);
    }

    public void Dispose()
    {
        NativeMethods.KernelBenchDestroy(_bench);
        _bench = null;
    }

    private static uint Microseconds(TimeSpan time) => checked((uint)time.TotalMicroseconds);

    private KernelCase Describe(int index)
    {
        NfKernelCase info;
        info.StructSize = (uint)sizeof(NfKernelCase);
        NativeException.ThrowIfFailed(NativeMethods.KernelBenchCase(_bench, (uint)index, &info));
        return new KernelCase(
            index,
            NativeText.Of(info.Kernel),
            NativeText.Of(info.Kind),
            NativeText.Of(info.Shape),
            (int)info.Rows,
            (Arithmetic)info.Arithmetic,
            info.Operations,
            info.Bytes);
    }
}
