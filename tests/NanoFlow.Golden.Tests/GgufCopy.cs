// A model folder written as a GGUF file, weights as they are: heads of q and k in pairs for Llama,
// dimensions the other way round, names and keys of the format.

using NanoFlow.Models;
using NanoFlow.Models.Tests;

namespace NanoFlow.Golden.Tests;

internal static class GgufCopy
{
    private static readonly (string Engine, string Gguf)[] Names =
    [
        ("model.layers.", "blk."), ("model.embed_tokens.", "token_embd."),
        ("model.norm.", "output_norm."), ("lm_head.", "output."),
        ("input_layernorm", "attn_norm"), ("post_attention_layernorm", "ffn_norm"),
        ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"),
        ("self_attn.q_norm", "attn_q_norm"), ("self_attn.k_norm", "attn_k_norm"),
        ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"),
    ];

    public static void Write(ModelFolder folder, string path)
    {
        var config = folder.Config;
        var name = config.Architecture switch
        {
            "Qwen2ForCausalLM" => "qwen2",
            "Qwen3ForCausalLM" => "qwen3",
            _ => "llama",
        };
        var file = Keys(config, name);
        foreach (var entry in folder.Tensors.Entries)
        {
            var data = Read(folder, entry);
            var rotated = name == "llama"
                && (entry.Name.Contains("q_proj", StringComparison.Ordinal)
                    || entry.Name.Contains("k_proj", StringComparison.Ordinal));
            file.Tensor(
                Names.Aggregate(entry.Name, (text, pair) => text.Replace(pair.Engine, pair.Gguf)),
                entry.DType switch { TensorDType.F32 => 0u, TensorDType.F16 => 1u, _ => 30u },
                [.. entry.Shape.Reverse().Select(dim => (ulong)dim)],
                rotated ? Paired(data, entry.Shape[0], config.HeadDim) : data);
        }
        File.WriteAllBytes(path, file.ToArray());
    }

    private static GgufBuilder Keys(ModelConfig config, string name)
    {
        var file = new GgufBuilder()
            .Key("general.architecture", name)
            .Key($"{name}.block_count", (uint)config.LayerCount)
            .Key($"{name}.context_length", (uint)config.MaxPositions)
            .Key($"{name}.embedding_length", (uint)config.HiddenSize)
            .Key($"{name}.feed_forward_length", (uint)config.IntermediateSize)
            .Key($"{name}.attention.head_count", (uint)config.HeadCount)
            .Key($"{name}.attention.head_count_kv", (uint)config.KvHeadCount)
            .Key($"{name}.attention.key_length", (uint)config.HeadDim)
            .Key($"{name}.attention.layer_norm_rms_epsilon", (float)config.RmsNormEps)
            .Key($"{name}.rope.freq_base", (float)config.Rope.Theta)
            .Key("tokenizer.ggml.eos_token_id", (uint)config.EosTokenIds[0]);
        if (config.Rope.Scaling == RopeScalingKind.Linear)
        {
            file.Key($"{name}.rope.scaling.type", "linear")
                .Key($"{name}.rope.scaling.factor", (float)config.Rope.Factor);
        }
        return config.LayerWindows is [var window, ..]
            ? file.Key($"{name}.attention.sliding_window", (uint)window)
            : file;
    }

    private static byte[] Read(ModelFolder folder, TensorEntry entry)
    {
        using var stream = File.OpenRead(folder.Tensors.Files[entry.FileIndex]);
        stream.Seek(entry.Offset, SeekOrigin.Begin);
        var data = new byte[entry.ByteCount];
        stream.ReadExactly(data);
        return data;
    }

    // Rows of every head in the order 0, n/2, 1, n/2 + 1, ...
    private static byte[] Paired(byte[] data, int rows, int headDim)
    {
        var paired = new byte[data.Length];
        var width = data.Length / rows;
        for (var row = 0; row < rows; row++)
        {
            var (head, at) = (row / headDim * headDim, row % headDim);
            var from = head + (at / 2) + (at % 2 * (headDim / 2));
            data.AsSpan(from * width, width).CopyTo(paired.AsSpan(row * width));
        }
        return paired;
    }
}
