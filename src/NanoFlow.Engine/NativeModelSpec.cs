using System.Runtime.InteropServices;
using System.Text;
using NanoFlow.Models;
using NanoFlow.Native;

namespace NanoFlow.Engine;

/// <summary>A model's configuration in the form of the ABI, in unmanaged memory.</summary>
internal sealed unsafe class NativeModelSpec : IDisposable
{
    // A weightless model's name in the native table of architectures.
    private const string Echo = "echo";

    private NfModelSpec* _spec;

    public NativeModelSpec(EngineModel model)
    {
        var name = Encoding.UTF8.GetBytes(model.Folder?.Config.Architecture ?? Echo);
        uint[] windows = [.. (model.Folder?.Config.LayerWindows ?? []).Select(w => (uint)w)];
        var stretch = model.Folder?.Config.Rope.Stretch;
        float[] shortFactors = [.. (stretch?.ShortFactors ?? []).Select(f => (float)f)];
        float[] longFactors = [.. (stretch?.LongFactors ?? []).Select(f => (float)f)];
        var numbers = windows.Length + shortFactors.Length + longFactors.Length;
        var bytes = sizeof(NfModelSpec) + (numbers * sizeof(uint)) + name.Length + 1;
        _spec = (NfModelSpec*)NativeMemory.AllocZeroed((nuint)bytes);
        var next = (byte*)(_spec + 1);
        _spec->StructSize = (uint)sizeof(NfModelSpec);
        _spec->LayerWindows = Append<uint>(windows, ref next);
        _spec->RopeShortFactors = Append<float>(shortFactors, ref next);
        _spec->RopeLongFactors = Append<float>(longFactors, ref next);
        _spec->Architecture = Append<byte>(name, ref next);
        _spec->Vocab = (uint)model.VocabSize;
        if (model.Folder is { } folder)
        {
            Fill(folder.Config);
        }
    }

    public NfModelSpec* Pointer => _spec;

    public void Dispose()
    {
        NativeMemory.Free(_spec);
        _spec = null;
    }

    // Null for an empty array.
    private static T* Append<T>(ReadOnlySpan<T> values, ref byte* next)
        where T : unmanaged
    {
        var start = (T*)next;
        values.CopyTo(new Span<T>(start, values.Length));
        next += values.Length * sizeof(T);
        return values.IsEmpty ? null : start;
    }

    private void Fill(ModelConfig config)
    {
        var flags = config.TiedEmbeddings ? NfModelFlag.TiedEmbeddings : 0;
        flags |= config.AttentionBias ? NfModelFlag.AttentionBias : 0;
        flags |= config.MlpBias ? NfModelFlag.MlpBias : 0;
        _spec->Flags = (uint)flags;
        _spec->NumLayers = (uint)config.LayerCount;
        _spec->Hidden = (uint)config.HiddenSize;
        _spec->Intermediate = (uint)config.IntermediateSize;
        _spec->NumHeads = (uint)config.HeadCount;
        _spec->NumKvHeads = (uint)config.KvHeadCount;
        _spec->HeadDim = (uint)config.HeadDim;
        _spec->RmsNormEps = (float)config.RmsNormEps;
        _spec->AttentionSoftcap = (float)config.AttentionSoftcap;
        _spec->LogitSoftcap = (float)config.LogitSoftcap;
        _spec->QueryScale = (float)config.QueryScale;
        _spec->EmbeddingScale = (float)config.EmbeddingScale;
        _spec->RopeScaling = (uint)config.Rope.Scaling;
        _spec->RopeTheta = config.Rope.Theta;
        _spec->RopeFactor = (float)config.Rope.Factor;
        _spec->RopeLowFreqFactor = (float)config.Rope.LowFreqFactor;
        _spec->RopeHighFreqFactor = (float)config.Rope.HighFreqFactor;
        _spec->RopeOriginalPositions = (uint)config.Rope.OriginalMaxPositions;
        _spec->RopeAttentionFactor = (float)(config.Rope.Stretch?.AttentionFactor ?? 0);
    }
}
