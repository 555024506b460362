// Times from the native engine: of nano-ops that run in loops, and of whole steps as a trace. For
// an engine that serves nobody meanwhile; the engine's thread calls.

using NanoFlow.Native;

namespace NanoFlow.Engine.Measuring;

internal sealed unsafe class NativeMeasuring(NativeEngine engine)
{
    // Times kept of a nano-op: a median needs no more.
    private const int Capacity = 4096;

    // Spans fetched by one call.
    private const int ChunkSpans = 4096;

    /// <summary>Runs nano-ops at the same time, each on its own lane, until each has run for the
    /// minimum time and count. The slot's step is written; what it computes is lost.</summary>
    /// <returns>The times of each nano-op in microseconds, in the order they ran.</returns>
    /// <exception cref="NativeException">A nano-op is out of range, shares its lane with another or
    /// has no rows in the step; or the step is not valid.</exception>
    public double[][] Measure(
        NfProgram* program,
        int slot,
        NfStepShape shape,
        ReadOnlySpan<int> nanoOps,
        TimeSpan minimum,
        int minimumCount)
    {
        var capacity = Math.Max(Capacity, minimumCount);
        var items = new NfMeasureItem[nanoOps.Length];
        var times = new float[nanoOps.Length * capacity];
        fixed (NfMeasureItem* firstItem = items)
        fixed (float* firstTime = times)
        {
            for (var i = 0; i < items.Length; i++)
            {
                items[i].NanoOp = checked((uint)nanoOps[i]);
                items[i].Capacity = (uint)capacity;
                items[i].TimesUs = firstTime + (i * capacity);
            }
            NativeException.ThrowIfFailed(NativeMethods.Measure(
                engine.Pointer,
                (uint)slot,
                program,
                &shape,
                firstItem,
                (uint)items.Length,
                checked((uint)minimum.TotalMicroseconds),
                checked((uint)minimumCount)));
        }
        var results = new double[items.Length][];
        for (var i = 0; i < results.Length; i++)
        {
            results[i] = Array.ConvertAll(
                times[(i * capacity)..(i * capacity + (int)items[i].Count)], us => (double)us);
        }
        return results;
    }

    /// <summary>Records every launch of the steps submitted from now on.</summary>
    /// <param name="maxSpans">Memory is taken for so many; what does not fit until it is read is
    /// dropped.</param>
    public void StartTrace(int maxSpans) => NativeException.ThrowIfFailed(
        NativeMethods.TraceStart(engine.Pointer, checked((uint)maxSpans)));

    /// <summary>What was recorded since the last call, those of a lane in the order they ran. No
    /// step is in flight.</summary>
    public NfSpan[] ReadTrace() => ReadTrace(out _);

    /// <param name="dropped">Spans since the start that found no room.</param>
    public NfSpan[] ReadTrace(out long dropped)
    {
        var spans = new List<NfSpan>();
        var chunk = new NfSpan[ChunkSpans];
        uint count;
        do
        {
            ulong lost;
            fixed (NfSpan* first = chunk)
            {
                NativeException.ThrowIfFailed(NativeMethods.TraceRead(
                    engine.Pointer, first, ChunkSpans, &count, &lost));
            }
            spans.AddRange(chunk.AsSpan(0, (int)count));
            dropped = checked((long)lost);
        }
        while (count == ChunkSpans);
        return [.. spans];
    }

    public void StopTrace() => NativeException.ThrowIfFailed(
        NativeMethods.TraceStop(engine.Pointer));
}
