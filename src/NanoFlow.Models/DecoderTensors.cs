// The tensors that Llama and its relatives have. Matrices are stored [rows out, columns in].

namespace NanoFlow.Models;

/// <summary>What tells the tensors of the relatives apart.</summary>
internal readonly record struct DecoderTraits
{
    public bool QkvBias { get; init; }

    /// <summary>Of the projection that leaves attention.</summary>
    public bool OutputBias { get; init; }

    public bool MlpBias { get; init; }

    /// <summary>Every head of q and k is normalised before it is rotated.</summary>
    public bool QkNorm { get; init; }

    /// <summary>q, k and v are one matrix, and gate and up are one.</summary>
    public bool FusedProjections { get; init; }

    /// <summary>Attention and feed-forward are normed before they are added.</summary>
    public bool PostNorms { get; init; }
}

internal static class DecoderTensors
{
    internal static IEnumerable<ExpectedTensor> Of(
        ModelConfig config, DecoderTraits traits)
    {
        var hidden = config.HiddenSize;
        yield return new("model.embed_tokens.weight", [config.VocabSize, hidden]);
        for (var i = 0; i < config.LayerCount; i++)
        {
            foreach (var tensor in LayerTensors(config, traits, $"model.layers.{i}."))
            {
                yield return tensor;
            }
        }

        yield return new("model.norm.weight", [hidden]);
        yield return new("lm_head.weight", [config.VocabSize, hidden], config.TiedEmbeddings);
    }

    private static IEnumerable<ExpectedTensor> LayerTensors(
        ModelConfig config, DecoderTraits traits, string prefix)
    {
        var hidden = config.HiddenSize;
        yield return new(prefix + "input_layernorm.weight", [hidden]);
        yield return new(prefix + "post_attention_layernorm.weight", [hidden]);
        if (traits.PostNorms)
        {
            yield return new(prefix + "pre_feedforward_layernorm.weight", [hidden]);
            yield return new(prefix + "post_feedforward_layernorm.weight", [hidden]);
        }

        if (traits.QkNorm)
        {
            yield return new(prefix + "self_attn.q_norm.weight", [config.HeadDim]);
            yield return new(prefix + "self_attn.k_norm.weight", [config.HeadDim]);
        }

        foreach (var (name, rows, columns, bias) in Matrices(config, traits))
        {
            yield return new($"{prefix}{name}.weight", [rows, columns]);
            if (bias)
            {
                yield return new($"{prefix}{name}.bias", [rows]);
            }
        }
    }

    private static (string Name, int Rows, int Columns, bool Bias)[] Matrices(
        ModelConfig config, DecoderTraits traits)
    {
        var hidden = config.HiddenSize;
        var inner = config.IntermediateSize;
        var query = config.HeadCount * config.HeadDim;
        var kv = config.KvHeadCount * config.HeadDim;
        return traits.FusedProjections
            ?
            [
                ("self_attn.qkv_proj", query + (2 * kv), hidden, traits.QkvBias),
                ("self_attn.o_proj", hidden, query, traits.OutputBias),
                ("mlp.gate_up_proj", 2 * inner, hidden, traits.MlpBias),
                ("mlp.down_proj", hidden, inner, traits.MlpBias),
            ]
            :
            [
                ("self_attn.q_proj", query, hidden, traits.QkvBias),
                ("self_attn.k_proj", kv, hidden, traits.QkvBias),
                ("self_attn.v_proj", kv, hidden, traits.QkvBias),
                ("self_attn.o_proj", hidden, query, traits.OutputBias),
                ("mlp.gate_proj", inner, hidden, traits.MlpBias),
                ("mlp.up_proj", inner, hidden, traits.MlpBias),
                ("mlp.down_proj", hidden, inner, traits.MlpBias),
            ];
    }
}
