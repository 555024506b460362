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
        var windows = model.Folder?.Config.LayerWindows ?? [];
        var bytes = sizeof(NfModelSpec) + (windows.Count * sizeof(uint)) + name.Length + 1;
        _spec = (NfModelSpec*)NativeMemory.AllocZeroed((nuint)bytes);
        var window = (uint*)(_spec + 1);
        for (var i = 0; i < windows.Count; i++)
        {
            window[i] = (uint)windows[i];
        }

        var text = (byte*)(window + windows.Count);
        name.CopyTo(new Span<byte>(text, name.Length));
        _spec->StructSize = (uint)sizeof(NfModelSpec);
        _spec->Architecture = text;
        _spec->LayerWindows = windows.Count > 0 ? window : null;
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
    }
}
