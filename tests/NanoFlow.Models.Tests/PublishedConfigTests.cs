// The facts of published models, as their config.json states them, against the parameter counts
// that their authors give. The texts are reduced to the fields that carry facts.

using System.Text;

namespace NanoFlow.Models.Tests;

public sealed class PublishedConfigTests
{
    internal const string Llama2 =
        """
        {"architectures": ["LlamaForCausalLM"], "bos_token_id": 1, "eos_token_id": 2,
         "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02,
         "intermediate_size": 11008, "max_position_embeddings": 4096, "model_type": "llama",
         "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32,
         "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": null,
         "tie_word_embeddings": false, "torch_dtype": "float16", "use_cache": true,
         "vocab_size": 32000}
        """;

    internal const string Llama3 =
        """
        {"architectures": ["LlamaForCausalLM"], "attention_bias": false,
         "attention_dropout": 0.0, "bos_token_id": 128000, "eos_token_id": 128001,
         "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02,
         "intermediate_size": 14336, "max_position_embeddings": 8192, "model_type": "llama",
         "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
         "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": null,
         "rope_theta": 500000.0, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
         "use_cache": true, "vocab_size": 128256}
        """;

    internal const string Llama31 =
        """
        {"architectures": ["LlamaForCausalLM"], "attention_bias": false,
         "attention_dropout": 0.0, "bos_token_id": 128000,
         "eos_token_id": [128001, 128008, 128009], "hidden_act": "silu", "hidden_size": 4096,
         "initializer_range": 0.02, "intermediate_size": 14336,
         "max_position_embeddings": 131072, "mlp_bias": false, "model_type": "llama",
         "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
         "pretraining_tp": 1, "rms_norm_eps": 1e-05,
         "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                          "original_max_position_embeddings": 8192, "rope_type": "llama3"},
         "rope_theta": 500000.0, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
         "use_cache": true, "vocab_size": 128256}
        """;

    internal const string Llama32 =
        """
        {"architectures": ["LlamaForCausalLM"], "attention_bias": false,
         "attention_dropout": 0.0, "bos_token_id": 128000, "eos_token_id": 128001,
         "head_dim": 64, "hidden_act": "silu", "hidden_size": 2048,
         "initializer_range": 0.02, "intermediate_size": 8192,
         "max_position_embeddings": 131072, "mlp_bias": false, "model_type": "llama",
         "num_attention_heads": 32, "num_hidden_layers": 16, "num_key_value_heads": 8,
         "pretraining_tp": 1, "rms_norm_eps": 1e-05,
         "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                          "original_max_position_embeddings": 8192, "rope_type": "llama3"},
         "rope_theta": 500000.0, "tie_word_embeddings": true, "torch_dtype": "bfloat16",
         "use_cache": true, "vocab_size": 128256}
        """;

    internal const string Mistral01 =
        """
        {"architectures": ["MistralForCausalLM"], "bos_token_id": 1, "eos_token_id": 2,
         "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02,
         "intermediate_size": 14336, "max_position_embeddings": 32768, "model_type": "mistral",
         "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
         "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "sliding_window": 4096,
         "tie_word_embeddings": false, "torch_dtype": "bfloat16", "use_cache": true,
         "vocab_size": 32000}
        """;

    internal const string Mistral03 =
        """
        {"architectures": ["MistralForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 1,
         "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 4096,
         "initializer_range": 0.02, "intermediate_size": 14336,
         "max_position_embeddings": 32768, "model_type": "mistral", "num_attention_heads": 32,
         "num_hidden_layers": 32, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
         "rope_theta": 1000000.0, "sliding_window": null, "tie_word_embeddings": false,
         "torch_dtype": "bfloat16", "use_cache": true, "vocab_size": 32768}
        """;

    internal const string Qwen25 =
        """
        {"architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0,
         "bos_token_id": 151643, "eos_token_id": 151643, "hidden_act": "silu",
         "hidden_size": 3584, "initializer_range": 0.02, "intermediate_size": 18944,
         "max_position_embeddings": 131072, "max_window_layers": 28, "model_type": "qwen2",
         "num_attention_heads": 28, "num_hidden_layers": 28, "num_key_value_heads": 4,
         "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 131072,
         "tie_word_embeddings": false, "torch_dtype": "bfloat16", "use_cache": true,
         "use_mrope": false, "use_sliding_window": false, "vocab_size": 152064}
        """;

    internal const string Qwen3 =
        """
        {"architectures": ["Qwen3ForCausalLM"], "attention_bias": false,
         "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151645,
         "head_dim": 128, "hidden_act": "silu", "hidden_size": 1024,
         "initializer_range": 0.02, "intermediate_size": 3072,
         "max_position_embeddings": 40960, "max_window_layers": 28, "model_type": "qwen3",
         "num_attention_heads": 16, "num_hidden_layers": 28, "num_key_value_heads": 8,
         "rms_norm_eps": 1e-06, "rope_scaling": null, "rope_theta": 1000000,
         "sliding_window": null, "tie_word_embeddings": true, "torch_dtype": "bfloat16",
         "use_cache": true, "use_sliding_window": false, "vocab_size": 151936}
        """;

    internal const string Phi3Mini4k =
        """
        {"architectures": ["Phi3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
         "bos_token_id": 1, "embd_pdrop": 0.0, "eos_token_id": 32000, "hidden_act": "silu",
         "hidden_size": 3072, "initializer_range": 0.02, "intermediate_size": 8192,
         "max_position_embeddings": 4096, "model_type": "phi3", "num_attention_heads": 32,
         "num_hidden_layers": 32, "num_key_value_heads": 32,
         "original_max_position_embeddings": 4096, "pad_token_id": 32000, "resid_pdrop": 0.0,
         "rms_norm_eps": 1e-05, "rope_scaling": null, "rope_theta": 10000.0,
         "sliding_window": 2047, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
         "use_cache": true, "vocab_size": 32064}
        """;

    internal const string Mixtral8x7B =
        """
        {"architectures": ["MixtralForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 1,
         "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 4096,
         "initializer_range": 0.02, "intermediate_size": 14336,
         "max_position_embeddings": 32768, "model_type": "mixtral", "num_attention_heads": 32,
         "num_experts_per_tok": 2, "num_hidden_layers": 32, "num_key_value_heads": 8,
         "num_local_experts": 8, "output_router_logits": false, "rms_norm_eps": 1e-05,
         "rope_theta": 1000000.0, "router_aux_loss_coef": 0.02, "sliding_window": null,
         "tie_word_embeddings": false, "torch_dtype": "bfloat16", "use_cache": true,
         "vocab_size": 32000}
        """;

    internal const string Qwen3Moe30B =
        """
        {"architectures": ["Qwen3MoeForCausalLM"], "attention_bias": false,
         "attention_dropout": 0.0, "bos_token_id": 151643, "decoder_sparse_step": 1,
         "eos_token_id": 151645, "head_dim": 128, "hidden_act": "silu", "hidden_size": 2048,
         "initializer_range": 0.02, "intermediate_size": 6144,
         "max_position_embeddings": 40960, "max_window_layers": 48, "mlp_only_layers": [],
         "model_type": "qwen3_moe", "moe_intermediate_size": 768, "norm_topk_prob": true,
         "num_attention_heads": 32, "num_experts": 128, "num_experts_per_tok": 8,
         "num_hidden_layers": 48, "num_key_value_heads": 4, "output_router_logits": false,
         "rms_norm_eps": 1e-06, "rope_scaling": null, "rope_theta": 1000000.0,
         "router_aux_loss_coef": 0.001, "sliding_window": null, "tie_word_embeddings": false,
         "torch_dtype": "bfloat16", "use_cache": true, "use_sliding_window": false,
         "vocab_size": 151936}
        """;

    internal const string Phi3Mini128k =
        """
        {"architectures": ["Phi3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
         "bos_token_id": 1, "embd_pdrop": 0.0, "eos_token_id": 32000, "hidden_act": "silu",
         "hidden_size": 3072, "initializer_range": 0.02, "intermediate_size": 8192,
         "max_position_embeddings": 131072, "model_type": "phi3", "num_attention_heads": 32,
         "num_hidden_layers": 32, "num_key_value_heads": 32,
         "original_max_position_embeddings": 4096, "pad_token_id": 32000, "resid_pdrop": 0.0,
         "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "sliding_window": 262144,
         "tie_word_embeddings": false, "torch_dtype": "bfloat16", "use_cache": true,
         "vocab_size": 32064,
         "rope_scaling": {
           "long_factor": [
            1.0700000524520874, 1.1200000047683716, 1.149999976158142, 1.4199999570846558,
            1.5699999332427979, 1.7999999523162842, 2.129999876022339, 2.129999876022339,
            3.009999990463257, 5.910000324249268, 6.950000286102295, 9.070000648498535,
            9.930000305175781, 10.710000038146973, 11.130000114440918, 14.609999656677246,
            15.409998893737793, 19.809999465942383, 37.279998779296875,
            38.279998779296875, 38.599998474121094, 40.12000274658203, 46.20000457763672,
            50.940006256103516, 53.66000747680664, 54.9373893737793, 56.89738845825195,
            57.28738784790039, 59.98738479614258, 60.86738586425781, 60.887386322021484,
            61.71739196777344, 62.91739273071289, 62.957393646240234, 63.41739273071289,
            63.8173942565918, 63.83739471435547, 63.897396087646484, 63.93739700317383,
            64.06739807128906, 64.11434936523438, 64.12435150146484, 64.15435028076172,
            64.19435119628906, 64.24435424804688, 64.57435607910156, 64.69000244140625,
            64.76000213623047],
           "short_factor": [
            1.1, 1.1, 1.1, 1.3000000000000003, 1.3500000000000003, 1.3500000000000003,
            1.4000000000000004, 1.5500000000000005, 2.000000000000001, 2.000000000000001,
            2.000000000000001, 2.000000000000001, 2.000000000000001, 2.000000000000001,
            2.000000000000001, 2.000000000000001, 2.000000000000001, 2.000000000000001,
            2.000000000000001, 2.000000000000001, 2.000000000000001, 2.000000000000001,
            2.000000000000001, 2.000000000000001, 2.000000000000001, 2.0500000000000007,
            2.0500000000000007, 2.0500000000000007, 2.0500000000000007,
            2.0500000000000007, 2.0500000000000007, 2.1000000000000005,
            2.1000000000000005, 2.1500000000000004, 2.25, 2.25, 2.25, 2.25, 2.25,
            2.3999999999999995, 2.4499999999999993, 2.499999999999999, 2.6999999999999984,
            2.6999999999999984, 2.7499999999999982, 2.799999999999998, 2.8999999999999977,
            3.049999999999997],
           "type": "longrope"}}
        """;

    internal const string Gemma2 =
        """
        {"architectures": ["Gemma2ForCausalLM"], "attention_bias": false,
         "attention_dropout": 0.0, "attn_logit_softcapping": 50.0, "bos_token_id": 2,
         "cache_implementation": "hybrid", "eos_token_id": 1, "final_logit_softcapping": 30.0,
         "head_dim": 256, "hidden_act": "gelu_pytorch_tanh",
         "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 2304,
         "initializer_range": 0.02, "intermediate_size": 9216,
         "max_position_embeddings": 8192, "model_type": "gemma2", "num_attention_heads": 8,
         "num_hidden_layers": 26, "num_key_value_heads": 4, "pad_token_id": 0,
         "query_pre_attn_scalar": 256, "rms_norm_eps": 1e-06, "rope_theta": 10000.0,
         "sliding_window": 4096, "torch_dtype": "float32", "use_cache": true,
         "vocab_size": 256000}
        """;

    private static readonly RopeConfig ScaledBy8 = new(500000)
    {
        Scaling = RopeScalingKind.Llama3,
        Factor = 8,
        LowFreqFactor = 1,
        HighFreqFactor = 4,
        OriginalMaxPositions = 8192,
    };

    [Theory]
    [InlineData(Llama2, 6_738_415_616, 524_288)]
    [InlineData(Llama3, 8_030_261_248, 131_072)]
    [InlineData(Llama31, 8_030_261_248, 131_072)]
    [InlineData(Llama32, 1_235_814_400, 32_768)]
    [InlineData(Mistral01, 7_241_732_096, 131_072)]
    [InlineData(Mistral03, 7_248_023_552, 131_072)]
    [InlineData(Qwen25, 7_615_616_512, 57_344)]
    [InlineData(Qwen3, 596_049_920, 114_688)]
    [InlineData(Mixtral8x7B, 46_702_792_704, 131_072)]
    [InlineData(Qwen3Moe30B, 30_532_122_624, 98_304)]
    [InlineData(Phi3Mini4k, 3_821_079_552, 393_216)]
    [InlineData(Phi3Mini128k, 3_821_079_552, 393_216)]
    [InlineData(Gemma2, 2_614_341_888, 106_496)]
    public void Size_PublishedModel_IsThePublishedNumber(string json, long parameters, long kvBytes)
    {
        var config = Parse(json);

        Assert.Equal(parameters, ModelSize.Parameters(config));
        Assert.Equal(parameters * 2, ModelSize.WeightBytes(config, elementBytes: 2));
        Assert.Equal(kvBytes, ModelSize.KvBytesPerToken(config, elementBytes: 2));
    }

    [Fact]
    public void Parse_Llama2_HasItsHeadsAndDefaultRope()
    {
        var config = Parse(Llama2);

        Assert.Equal((32, 32, 128), (config.HeadCount, config.KvHeadCount, config.HeadDim));
        Assert.Equal(new RopeConfig(10000), config.Rope);
        Assert.Equal((TensorDType.F16, 4096), (config.StoredDType, config.MaxPositions));
        Assert.Equal([2], config.EosTokenIds);
    }

    [Fact]
    public void Parse_Llama3_HasGroupedQueriesAndItsTheta()
    {
        var config = Parse(Llama3);

        Assert.Equal((32, 8, 128), (config.HeadCount, config.KvHeadCount, config.HeadDim));
        Assert.Equal(new RopeConfig(500000), config.Rope);
        Assert.Equal((128000, 128256), (config.BosTokenId, config.VocabSize));
    }

    [Fact]
    public void Parse_Llama31_HasScaledRopeAndThreeEnds()
    {
        var config = Parse(Llama31);

        Assert.Equal(ScaledBy8, config.Rope);
        Assert.Equal([128001, 128008, 128009], config.EosTokenIds);
        Assert.Equal((TensorDType.BF16, 131072), (config.StoredDType, config.MaxPositions));
    }

    [Fact]
    public void Parse_Llama32_IsTiedAndScaledBy32()
    {
        var config = Parse(Llama32);

        Assert.Equal(ScaledBy8 with { Factor = 32 }, config.Rope);
        Assert.True(config.TiedEmbeddings);
        Assert.Equal((64, 16, 2048), (config.HeadDim, config.LayerCount, config.HiddenSize));
    }

    [Fact]
    public void Parse_Mistral_HasAWindowInItsFirstVersionOnly()
    {
        Assert.Equal(Enumerable.Repeat(4096, 32), Parse(Mistral01).LayerWindows);
        Assert.Empty(Parse(Mistral03).LayerWindows);
        Assert.Equal(new RopeConfig(1000000), Parse(Mistral03).Rope);
    }

    [Fact]
    public void Parse_Qwen25_StatesAWindowThatIsNotUsed()
    {
        var config = Parse(Qwen25);

        Assert.Equal((28, 4, 128), (config.HeadCount, config.KvHeadCount, config.HeadDim));
        Assert.Empty(config.LayerWindows);
        Assert.Equal((1e-6, 152064), (config.RmsNormEps, config.VocabSize));
    }

    [Fact]
    public void Parse_Qwen3_HasHeadsWiderThanItsHiddenSize()
    {
        var config = Parse(Qwen3);

        Assert.Equal((16, 128, 1024), (config.HeadCount, config.HeadDim, config.HiddenSize));
        Assert.Equal(new RopeConfig(1000000), config.Rope);
        Assert.Empty(config.LayerWindows);
        Assert.True(config.TiedEmbeddings && !config.AttentionBias);
    }

    [Fact]
    public void Parse_Phi3Mini4k_HasItsWindowAndPlainRope()
    {
        var config = Parse(Phi3Mini4k);

        Assert.Equal((32, 32, 96), (config.HeadCount, config.KvHeadCount, config.HeadDim));
        Assert.Equal(Enumerable.Repeat(2047, 32), config.LayerWindows);
        Assert.Equal(new RopeConfig(10000), config.Rope);
    }

    [Fact]
    public void Parse_Mixtral_HasEightExpertsAsWideAsItsMlp()
    {
        var config = Parse(Mixtral8x7B);

        Assert.Equal(new ExpertsConfig(8, 2, 14336, Normalize: true), config.Experts);
        Assert.Empty(config.LayerWindows);
    }

    [Fact]
    public void Parse_Qwen3Moe_HasManySmallExperts()
    {
        var config = Parse(Qwen3Moe30B);

        Assert.Equal(new ExpertsConfig(128, 8, 768, Normalize: true), config.Experts);
        Assert.Equal((32, 128, 2048), (config.HeadCount, config.HeadDim, config.HiddenSize));
        Assert.Empty(config.LayerWindows);
    }

    [Fact]
    public void Parse_Phi3Mini128k_HasFactorsForShortAndForLongSequences()
    {
        var rope = Parse(Phi3Mini128k).Rope;

        Assert.Equal((RopeScalingKind.Factors, 4096), (rope.Scaling, rope.OriginalMaxPositions));
        Assert.Equal(48, rope.Stretch!.ShortFactors.Count);
        Assert.Equal(3.05, rope.Stretch.ShortFactors[^1], tolerance: 1e-9);
        Assert.Equal(64.76, rope.Stretch.LongFactors[^1], tolerance: 1e-5);
        Assert.Equal(1.190238, rope.Stretch.AttentionFactor, tolerance: 1e-6);
    }

    [Fact]
    public void Parse_Gemma2_IsTiedAndHasCapsScalesAndAWindowInEverySecondLayer()
    {
        var config = Parse(Gemma2);

        Assert.True(config.TiedEmbeddings);
        Assert.Equal((8, 4, 256), (config.HeadCount, config.KvHeadCount, config.HeadDim));
        Assert.Equal((50.0, 30.0), (config.AttentionSoftcap, config.LogitSoftcap));
        Assert.Equal((1 / 16.0, 48.0), (config.QueryScale, config.EmbeddingScale));
        Assert.Equal([4096, 0, 4096, 0], config.LayerWindows.Take(4));
    }

    internal static ModelConfig Parse(string json) =>
        ModelConfig.Parse(Encoding.UTF8.GetBytes(json));
}
