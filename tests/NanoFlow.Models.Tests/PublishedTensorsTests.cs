// Names and shapes of the tensors of published models, written down here as their checkpoints have
// them, against what the configurations call for: a header is made from the list, read like any
// other, and must hold exactly the expected tensors.

using System.Globalization;
using System.Text;

namespace NanoFlow.Models.Tests;

public sealed class PublishedTensorsTests
{
    // "{}" stands for the layer, "{e}" for the expert.
    private const string Llama31 =
        """
        model.embed_tokens.weight 128256 4096
        model.layers.{}.input_layernorm.weight 4096
        model.layers.{}.self_attn.q_proj.weight 4096 4096
        model.layers.{}.self_attn.k_proj.weight 1024 4096
        model.layers.{}.self_attn.v_proj.weight 1024 4096
        model.layers.{}.self_attn.o_proj.weight 4096 4096
        model.layers.{}.post_attention_layernorm.weight 4096
        model.layers.{}.mlp.gate_proj.weight 14336 4096
        model.layers.{}.mlp.up_proj.weight 14336 4096
        model.layers.{}.mlp.down_proj.weight 4096 14336
        model.norm.weight 4096
        lm_head.weight 128256 4096
        """;

    private const string Llama32 =
        """
        model.embed_tokens.weight 128256 2048
        model.layers.{}.input_layernorm.weight 2048
        model.layers.{}.self_attn.q_proj.weight 2048 2048
        model.layers.{}.self_attn.k_proj.weight 512 2048
        model.layers.{}.self_attn.v_proj.weight 512 2048
        model.layers.{}.self_attn.o_proj.weight 2048 2048
        model.layers.{}.post_attention_layernorm.weight 2048
        model.layers.{}.mlp.gate_proj.weight 8192 2048
        model.layers.{}.mlp.up_proj.weight 8192 2048
        model.layers.{}.mlp.down_proj.weight 2048 8192
        model.norm.weight 2048
        """;

    private const string Mistral03 =
        """
        model.embed_tokens.weight 32768 4096
        model.layers.{}.input_layernorm.weight 4096
        model.layers.{}.self_attn.q_proj.weight 4096 4096
        model.layers.{}.self_attn.k_proj.weight 1024 4096
        model.layers.{}.self_attn.v_proj.weight 1024 4096
        model.layers.{}.self_attn.o_proj.weight 4096 4096
        model.layers.{}.post_attention_layernorm.weight 4096
        model.layers.{}.mlp.gate_proj.weight 14336 4096
        model.layers.{}.mlp.up_proj.weight 14336 4096
        model.layers.{}.mlp.down_proj.weight 4096 14336
        model.norm.weight 4096
        lm_head.weight 32768 4096
        """;

    private const string Qwen25 =
        """
        model.embed_tokens.weight 152064 3584
        model.layers.{}.input_layernorm.weight 3584
        model.layers.{}.self_attn.q_proj.weight 3584 3584
        model.layers.{}.self_attn.q_proj.bias 3584
        model.layers.{}.self_attn.k_proj.weight 512 3584
        model.layers.{}.self_attn.k_proj.bias 512
        model.layers.{}.self_attn.v_proj.weight 512 3584
        model.layers.{}.self_attn.v_proj.bias 512
        model.layers.{}.self_attn.o_proj.weight 3584 3584
        model.layers.{}.post_attention_layernorm.weight 3584
        model.layers.{}.mlp.gate_proj.weight 18944 3584
        model.layers.{}.mlp.up_proj.weight 18944 3584
        model.layers.{}.mlp.down_proj.weight 3584 18944
        model.norm.weight 3584
        lm_head.weight 152064 3584
        """;

    private const string Qwen3 =
        """
        model.embed_tokens.weight 151936 1024
        model.layers.{}.input_layernorm.weight 1024
        model.layers.{}.self_attn.q_proj.weight 2048 1024
        model.layers.{}.self_attn.q_norm.weight 128
        model.layers.{}.self_attn.k_proj.weight 1024 1024
        model.layers.{}.self_attn.k_norm.weight 128
        model.layers.{}.self_attn.v_proj.weight 1024 1024
        model.layers.{}.self_attn.o_proj.weight 1024 2048
        model.layers.{}.post_attention_layernorm.weight 1024
        model.layers.{}.mlp.gate_proj.weight 3072 1024
        model.layers.{}.mlp.up_proj.weight 3072 1024
        model.layers.{}.mlp.down_proj.weight 1024 3072
        model.norm.weight 1024
        lm_head.weight 151936 1024
        """;

    private const string Phi3Mini =
        """
        model.embed_tokens.weight 32064 3072
        model.layers.{}.input_layernorm.weight 3072
        model.layers.{}.self_attn.qkv_proj.weight 9216 3072
        model.layers.{}.self_attn.o_proj.weight 3072 3072
        model.layers.{}.post_attention_layernorm.weight 3072
        model.layers.{}.mlp.gate_up_proj.weight 16384 3072
        model.layers.{}.mlp.down_proj.weight 3072 8192
        model.norm.weight 3072
        lm_head.weight 32064 3072
        """;

    private const string Mixtral8x7B =
        """
        model.embed_tokens.weight 32000 4096
        model.layers.{}.input_layernorm.weight 4096
        model.layers.{}.self_attn.q_proj.weight 4096 4096
        model.layers.{}.self_attn.k_proj.weight 1024 4096
        model.layers.{}.self_attn.v_proj.weight 1024 4096
        model.layers.{}.self_attn.o_proj.weight 4096 4096
        model.layers.{}.post_attention_layernorm.weight 4096
        model.layers.{}.block_sparse_moe.gate.weight 8 4096
        model.layers.{}.block_sparse_moe.experts.{e}.w1.weight 14336 4096
        model.layers.{}.block_sparse_moe.experts.{e}.w2.weight 4096 14336
        model.layers.{}.block_sparse_moe.experts.{e}.w3.weight 14336 4096
        model.norm.weight 4096
        lm_head.weight 32000 4096
        """;

    private const string Qwen3Moe30B =
        """
        model.embed_tokens.weight 151936 2048
        model.layers.{}.input_layernorm.weight 2048
        model.layers.{}.self_attn.q_proj.weight 4096 2048
        model.layers.{}.self_attn.q_norm.weight 128
        model.layers.{}.self_attn.k_proj.weight 512 2048
        model.layers.{}.self_attn.k_norm.weight 128
        model.layers.{}.self_attn.v_proj.weight 512 2048
        model.layers.{}.self_attn.o_proj.weight 2048 4096
        model.layers.{}.post_attention_layernorm.weight 2048
        model.layers.{}.mlp.gate.weight 128 2048
        model.layers.{}.mlp.experts.{e}.gate_proj.weight 768 2048
        model.layers.{}.mlp.experts.{e}.up_proj.weight 768 2048
        model.layers.{}.mlp.experts.{e}.down_proj.weight 2048 768
        model.norm.weight 2048
        lm_head.weight 151936 2048
        """;

    private const string Gemma2 =
        """
        model.embed_tokens.weight 256000 2304
        model.layers.{}.input_layernorm.weight 2304
        model.layers.{}.self_attn.q_proj.weight 2048 2304
        model.layers.{}.self_attn.k_proj.weight 1024 2304
        model.layers.{}.self_attn.v_proj.weight 1024 2304
        model.layers.{}.self_attn.o_proj.weight 2304 2048
        model.layers.{}.post_attention_layernorm.weight 2304
        model.layers.{}.pre_feedforward_layernorm.weight 2304
        model.layers.{}.mlp.gate_proj.weight 9216 2304
        model.layers.{}.mlp.up_proj.weight 9216 2304
        model.layers.{}.mlp.down_proj.weight 2304 9216
        model.layers.{}.post_feedforward_layernorm.weight 2304
        model.norm.weight 2304
        """;

    [Theory]
    [InlineData(PublishedConfigTests.Llama31, Llama31)]
    [InlineData(PublishedConfigTests.Llama32, Llama32)]
    [InlineData(PublishedConfigTests.Mistral03, Mistral03)]
    [InlineData(PublishedConfigTests.Qwen25, Qwen25)]
    [InlineData(PublishedConfigTests.Qwen3, Qwen3)]
    [InlineData(PublishedConfigTests.Phi3Mini4k, Phi3Mini)]
    [InlineData(PublishedConfigTests.Mixtral8x7B, Mixtral8x7B)]
    [InlineData(PublishedConfigTests.Qwen3Moe30B, Qwen3Moe30B)]
    [InlineData(PublishedConfigTests.Phi3Mini128k, Phi3Mini)]
    [InlineData(PublishedConfigTests.Gemma2, Gemma2)]
    public void Header_PublishedModel_HoldsTheExpectedTensors(string json, string list)
    {
        var config = PublishedConfigTests.Parse(json);

        var found = Read(list, config).ToDictionary(entry => entry.Name);

        foreach (var tensor in Architectures.ExpectedTensors(config))
        {
            if (found.Remove(tensor.Name, out var entry))
            {
                Assert.Equal(tensor.Shape, entry.Shape);
                Assert.Equal(TensorDType.BF16, entry.DType);
            }
            else
            {
                Assert.True(tensor.Optional, tensor.Name);
            }
        }
        Assert.Empty(found.Keys);
    }

    private static IReadOnlyList<TensorEntry> Read(string list, ModelConfig config)
    {
        var header = new StringBuilder("{");
        var end = 0L;
        foreach (var line in list.Split('\n'))
        {
            var words = line.Trim().Split(' ');
            var shape = words[1..].Select(word => int.Parse(word, CultureInfo.InvariantCulture));
            var bytes = shape.Aggregate(2L, (product, size) => product * size);
            foreach (var name in Names(words[0], config))
            {
                header.Append(end == 0 ? "" : ",").Append(CultureInfo.InvariantCulture, $$"""
                    "{{name}}": {"dtype": "BF16",
                     "shape": [{{string.Join(',', shape)}}],
                     "data_offsets": [{{end}}, {{end + bytes}}]}
                    """);
                end += bytes;
            }
        }
        var file = Samples.Safetensors(header.Append('}').ToString(), dataBytes: 0);
        using var stream = new HollowStream(file, file.Length + end);
        return SafetensorsHeader.Read(stream, "model.safetensors", fileIndex: 0);
    }

    private static IEnumerable<string> Names(string pattern, ModelConfig config) =>
        from layer in Enumerable.Range(0, pattern.Contains("{}") ? config.LayerCount : 1)
        from expert in Enumerable.Range(0, pattern.Contains("{e}") ? config.Experts!.Count : 1)
        select pattern.Replace("{}", $"{layer}").Replace("{e}", $"{expert}");

    // A file of gigabytes of which only the beginning exists.
    private sealed class HollowStream(byte[] beginning, long length) : MemoryStream(beginning)
    {
        public override long Length => length;
    }
}
