// The names of tensors in GGUF files, and what the engine calls the same tensors.

namespace NanoFlow.Models;

internal static class GgufNames
{
    internal const string Embedding = "token_embd.weight";
    internal const string Output = "output.weight";

    /// <summary>Divisors of the rotation frequencies; they become part of the configuration.
    /// </summary>
    internal const string RopeFactors = "rope_freqs.weight";

    private static readonly Dictionary<string, string> Model = new(StringComparer.Ordinal)
    {
        [Embedding] = "model.embed_tokens.weight",
        ["output_norm.weight"] = "model.norm.weight",
        [Output] = "lm_head.weight",
    };

    private static readonly Dictionary<string, string> OfLayer = new(StringComparer.Ordinal)
    {
        ["attn_norm"] = "input_layernorm",
        ["attn_q"] = "self_attn.q_proj",
        ["attn_k"] = "self_attn.k_proj",
        ["attn_v"] = "self_attn.v_proj",
        ["attn_output"] = "self_attn.o_proj",
        ["attn_q_norm"] = "self_attn.q_norm",
        ["attn_k_norm"] = "self_attn.k_norm",
        ["ffn_norm"] = "post_attention_layernorm",
        ["ffn_gate"] = "mlp.gate_proj",
        ["ffn_up"] = "mlp.up_proj",
        ["ffn_down"] = "mlp.down_proj",
    };

    /// <summary>A name that is not known stays as it is.</summary>
    internal static string ToEngine(string name)
    {
        if (Model.TryGetValue(name, out var known))
        {
            return known;
        }

        return name.Split('.') is ["blk", var layer, var part, var kind]
            && OfLayer.TryGetValue(part, out var stem)
            ? $"model.layers.{layer}.{stem}.{kind}"
            : name;
    }

    /// <summary>Has rows that are rotated by position: q and k.</summary>
    internal static bool IsRotated(string name) =>
        name.Split('.') is ["blk", _, "attn_q" or "attn_k", _];

    internal static string OfLayerAt(int layer, string part) => $"blk.{layer}.{part}";
}
