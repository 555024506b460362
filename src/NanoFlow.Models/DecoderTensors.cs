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

    /// <summary>Null: the feed-forward is dense.</summary>
    public ExpertNames? Experts { get; init; }
}

/// <summary>How a family names what its layers of experts have.</summary>
/// <param name="Block">Holds the router, "gate", and "experts" by their number.</param>
internal sealed record ExpertNames(string Block, string Gate, string Up, string Down);

internal static class DecoderTensors
{
    internal const string Embeddings = "model.embed_tokens.weight";
    internal const string Head = "lm_head.weight";

    internal static IEnumerable<ExpectedTensor> Of(
        ModelConfig config, DecoderTraits traits)
    {
        var hidden = config.HiddenSize;
        yield return new(Embeddings, [config.VocabSize, hidden]);
        for (var i = 0; i < config.LayerCount; i++)
        {
            foreach (var tensor in LayerTensors(config, traits, $"model.layers.{i}."))
            {
                yield return tensor;
            }
        }

        yield return new("model.norm.weight", [hidden]);
        yield return new(Head, [config.VocabSize, hidden], config.TiedEmbeddings);
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

        var matrices = AttentionMatrices(config, traits);
        var dense = traits.Experts is null ? MlpMatrices(config, traits) : [];
        foreach (var (name, rows, columns, bias) in matrices.Concat(dense))
        {
            yield return new($"{prefix}{name}.weight", [rows, columns]);
            if (bias)
            {
                yield return new($"{prefix}{name}.bias", [rows]);
            }
        }

        foreach (var tensor in ExpertTensors(config, traits.Experts, prefix))
        {
            yield return tensor;
        }
    }

    private static IEnumerable<ExpectedTensor> ExpertTensors(
        ModelConfig config, ExpertNames? names, string prefix)
    {
        if (names is null || config.Experts is not { } experts)
        {
            yield break;
        }

        var (hidden, inner) = (config.HiddenSize, experts.IntermediateSize);
        yield return new($"{prefix}{names.Block}.gate.weight", [experts.Count, hidden]);
        for (var i = 0; i < experts.Count; i++)
        {
            var expert = $"{prefix}{names.Block}.experts.{i}.";
            yield return new($"{expert}{names.Gate}.weight", [inner, hidden]);
            yield return new($"{expert}{names.Up}.weight", [inner, hidden]);
            yield return new($"{expert}{names.Down}.weight", [hidden, inner]);
        }
    }

    private static (string Name, int Rows, int Columns, bool Bias)[] AttentionMatrices(
        ModelConfig config, DecoderTraits traits)
    {
        var hidden = config.HiddenSize;
        var query = config.HeadCount * config.HeadDim;
        var kv = config.KvHeadCount * config.HeadDim;
        (string, int, int, bool) output = ("self_attn.o_proj", hidden, query, traits.OutputBias);
        return traits.FusedProjections
            ? [("self_attn.qkv_proj", query + (2 * kv), hidden, traits.QkvBias), output]
            :
            [
                ("self_attn.q_proj", query, hidden, traits.QkvBias),
                ("self_attn.k_proj", kv, hidden, traits.QkvBias),
                ("self_attn.v_proj", kv, hidden, traits.QkvBias),
                output,
            ];
    }

    private static (string Name, int Rows, int Columns, bool Bias)[] MlpMatrices(
        ModelConfig config, DecoderTraits traits)
    {
        var (hidden, inner, bias) = (config.HiddenSize, config.IntermediateSize, traits.MlpBias);
        (string, int, int, bool) down = ("mlp.down_proj", hidden, inner, bias);
        return traits.FusedProjections
            ? [("mlp.gate_up_proj", 2 * inner, hidden, bias), down]
            : [("mlp.gate_proj", inner, hidden, bias), ("mlp.up_proj", inner, hidden, bias), down];
    }
}
