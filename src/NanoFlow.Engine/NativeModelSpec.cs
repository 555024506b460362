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

    private readonly List<nint> _blocks = [];
    private readonly NfModelSpec* _spec;

    /// <param name="int8">Matrices that are kept as int8.</param>
    public NativeModelSpec(EngineModel model, Int8Parts int8 = Int8Parts.None)
    {
        _spec = Allocate<NfModelSpec>(1);
        _spec->StructSize = (uint)sizeof(NfModelSpec);
        _spec->Architecture = Text(model.Source?.Config.Architecture ?? Echo);
        _spec->Vocab = (uint)model.VocabSize;
        if (model.Source is { } source)
        {
            Fill(source.Config, int8);
            FillFormats(source);
        }
    }

    public NfModelSpec* Pointer => _spec;

    public void Dispose()
    {
        foreach (var block in _blocks)
        {
            NativeMemory.Free((void*)block);
        }

        _blocks.Clear();
    }

    // Zeroed; null for none.
    private T* Allocate<T>(int count)
        where T : unmanaged
    {
        if (count == 0)
        {
            return null;
        }

        var block = (T*)NativeMemory.AllocZeroed((nuint)count, (nuint)sizeof(T));
        _blocks.Add((nint)block);
        return block;
    }

    private T* Copy<T>(ReadOnlySpan<T> items)
        where T : unmanaged
    {
        var copy = Allocate<T>(items.Length);
        items.CopyTo(new Span<T>(copy, items.Length));
        return copy;
    }

    private byte* Text(string text) => Copy<byte>(Encoding.UTF8.GetBytes(text + '\0'));

    private void Fill(ModelConfig config, Int8Parts int8)
    {
        var flags = config.TiedEmbeddings ? NfModelFlag.TiedEmbeddings : 0;
        flags |= config.AttentionBias ? NfModelFlag.AttentionBias : 0;
        flags |= config.MlpBias ? NfModelFlag.MlpBias : 0;
        flags |= config.Experts is { Normalize: true } ? NfModelFlag.NormTopk : 0;
        flags |= int8.HasFlag(Int8Parts.Layers) ? NfModelFlag.Int8Layers : 0;
        flags |= int8.HasFlag(Int8Parts.Head) ? NfModelFlag.Int8Head : 0;
        _spec->Flags = (uint)flags;
        _spec->NumLayers = (uint)config.LayerCount;
        _spec->Hidden = (uint)config.HiddenSize;
        _spec->Intermediate = (uint)config.IntermediateSize;
        _spec->NumHeads = (uint)config.HeadCount;
        _spec->NumKvHeads = (uint)config.KvHeadCount;
        _spec->HeadDim = (uint)config.HeadDim;
        _spec->NumExperts = (uint)(config.Experts?.Count ?? 0);
        _spec->ExpertsPerToken = (uint)(config.Experts?.PerToken ?? 0);
        _spec->ExpertIntermediate = (uint)(config.Experts?.IntermediateSize ?? 0);
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
        FillStretch(config.Rope.Stretch);
        _spec->LayerWindows = Copy<uint>([.. config.LayerWindows.Select(window => (uint)window)]);
    }

    private void FillStretch(RopeStretch? stretch)
    {
        _spec->RopeShortFactors = Copy<float>(
            [.. (stretch?.ShortFactors ?? []).Select(factor => (float)factor)]);
        _spec->RopeLongFactors = Copy<float>(
            [.. (stretch?.LongFactors ?? []).Select(factor => (float)factor)]);
        _spec->RopeAttentionFactor = (float)(stretch?.AttentionFactor ?? 0);
    }

    // Weights that stay in the block format they are stored in.
    private void FillFormats(ModelSource source)
    {
        var unused = source.UnexpectedTensors.ToHashSet(StringComparer.Ordinal);
        TensorEntry[] blocks = [.. source.Tensors.Entries
            .Where(tensor => tensor.DType.IsBlockFormat() && !unused.Contains(tensor.Name))];
        var formats = Allocate<NfTensorFormat>(blocks.Length);
        for (var i = 0; i < blocks.Length; i++)
        {
            formats[i].Name = Text(blocks[i].Name);
            formats[i].Dtype = (uint)blocks[i].DType;
        }

        _spec->Formats = formats;
        _spec->NumFormats = (uint)blocks.Length;
    }
}
