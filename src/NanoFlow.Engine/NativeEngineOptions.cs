using System.Runtime.InteropServices;
using NanoFlow.Native;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine;

/// <summary>Options in the form of the ABI, with the memory that they point to.</summary>
internal sealed unsafe class NativeEngineOptions : IDisposable
{
    private byte* _cacheFolder;

    /// <param name="dtype">What a GPU computes in.</param>
    /// <param name="pageCount">KV pages; 0 where only memory is planned.</param>
    public NativeEngineOptions(
        EngineOptions options, NfDtype dtype, int maxModelLength, int pageCount)
    {
        _cacheFolder = options.CacheFolder is { } folder
            ? (byte*)Marshal.StringToCoTaskMemUTF8(folder)
            : null;
        Value = new NfEngineOptions
        {
            StructSize = (uint)sizeof(NfEngineOptions),
            DeviceKind = (uint)options.Device,
            NumThreads = (uint)options.Threads,
            MaxStepRows = (uint)options.MaxBatchedTokens,
            MaxSequences = (uint)options.MaxSequences,
            MaxPositions = (uint)maxModelLength,
            PageTokens = (uint)options.BlockSize,
            NumPages = (uint)pageCount,
            NumSlots = Scheduler.MaxStepsInFlight,
            Flags = options.BatchInvariant ? (uint)NfEngineFlag.BatchInvariant : 0,
            OperandDtype = options.Device == DeviceKind.Cuda ? (uint)dtype : 0,
            DeviceIndex = (uint)options.DeviceIndex,
            CacheFolder = _cacheFolder,
        };
    }

    public NfEngineOptions Value { get; }

    public void Dispose()
    {
        Marshal.FreeCoTaskMem((nint)_cacheFolder);
        _cacheFolder = null;
    }
}
