// A small Llama model as a GGUF file, of which tests change one thing.

namespace NanoFlow.Models.Tests;

internal static class GgufSamples
{
    internal const uint F32 = 0;
    internal const uint F16 = 1;
    internal const uint Q80 = 8;

    private const uint Hidden = 32;
    private const uint Vocab = 8;
    private const uint Inner = 64;

    /// <summary>The keys of the model, one of them with another value, or left out (null).
    /// </summary>
    internal static GgufBuilder Llama(string? key = null, object? value = null) =>
        Model("llama", key, value);

    internal static GgufBuilder Model(string name, string? key = null, object? value = null)
    {
        var keys = new Dictionary<string, object?>
        {
            ["general.architecture"] = name,
            [$"{name}.block_count"] = 1u,
            [$"{name}.context_length"] = 128u,
            [$"{name}.embedding_length"] = Hidden,
            [$"{name}.feed_forward_length"] = Inner,
            [$"{name}.attention.head_count"] = 4u,
            [$"{name}.attention.head_count_kv"] = 2u,
            [$"{name}.attention.layer_norm_rms_epsilon"] = 1e-5f,
            [$"{name}.rope.freq_base"] = 500000f,
            [$"{name}.rope.dimension_count"] = 8u,
            [$"{name}.vocab_size"] = Vocab,
            ["tokenizer.ggml.tokens"] = Enumerable.Range(0, 8).Select(i => $"t{i}").ToArray(),
            ["tokenizer.ggml.scores"] = new float[8],
            ["tokenizer.ggml.token_type"] = new[] { 2, 3, 3, 1, 1, 1, 1, 1 },
            ["tokenizer.ggml.bos_token_id"] = 1u,
            ["tokenizer.ggml.eos_token_id"] = 2u,
            ["tokenizer.ggml.add_bos_token"] = true,
        };
        if (key is not null)
        {
            keys[key] = value;
        }

        var file = new GgufBuilder();
        foreach (var (stated, given) in keys)
        {
            _ = given is null ? file : file.Key(stated, given);
        }

        return file;
    }

    internal static GgufBuilder AddWeights(this GgufBuilder file, bool tied = true)
    {
        file.Add("token_embd.weight", Q80, Hidden, Vocab);
        file.Add("output_norm.weight", F32, Hidden);
        file.Add("blk.0.attn_norm.weight", F32, Hidden);
        file.Add("blk.0.attn_q.weight", Q80, Hidden, Hidden);
        file.Add("blk.0.attn_k.weight", Q80, Hidden, Hidden / 2);
        file.Add("blk.0.attn_v.weight", F16, Hidden, Hidden / 2);
        file.Add("blk.0.attn_output.weight", Q80, Hidden, Hidden);
        file.Add("blk.0.ffn_norm.weight", F32, Hidden);
        file.Add("blk.0.ffn_gate.weight", Q80, Hidden, Inner);
        file.Add("blk.0.ffn_up.weight", Q80, Hidden, Inner);
        file.Add("blk.0.ffn_down.weight", Q80, Inner, Hidden);
        return tied ? file : file.Add("output.weight", F16, Hidden, Vocab);
    }

    internal static GgufBuilder AddBiases(this GgufBuilder file) => file
        .Add("blk.0.attn_q.bias", F32, Hidden)
        .Add("blk.0.attn_k.bias", F32, Hidden / 2)
        .Add("blk.0.attn_v.bias", F32, Hidden / 2);

    internal static GgufBuilder Add(
        this GgufBuilder file, string name, uint type, params ulong[] dims)
    {
        var elements = dims.Aggregate(1UL, (a, b) => a * b);
        var bytes = type switch
        {
            F32 => elements * 4,
            Q80 => elements / 32 * 34,
            _ => elements * 2,
        };
        return file.Tensor(name, type, dims, new byte[bytes]);
    }

    internal static GgufFile Read(byte[] file)
    {
        using var stream = new MemoryStream(file);
        return GgufFile.Read(stream, "x.gguf");
    }

    internal static GgufModel ReadModel(byte[] file)
    {
        using var stream = new MemoryStream(file);
        return GgufModel.Read(stream, "x.gguf");
    }
}
