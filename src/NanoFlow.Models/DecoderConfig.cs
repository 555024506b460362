// Llama 2, 3, 3.1 and later text models of the same form: pre-norm, grouped-query attention,
// rotary positions, gated SiLU feed-forward. attention_bias and mlp_bias are supported.
//
// Matrices are stored [rows out, columns in].

namespace NanoFlow.Models;

internal static class LlamaArchitecture
{
    internal const string Name = "LlamaForCausalLM";

    internal const string ModelType = "llama";

    internal static ModelConfig ReadConfig(JsonSection json)
    {
        RequireText(json, "model_type", ModelType);
        RequireText(json, "hidden_act", "silu");
        if (json.Has("quantization_config"))
        {
            throw json.Error(
                "quantization_config",
                $"is present, but quantized weights are not supported; "
                + $"supported: {TensorDTypes.SupportedNames}");
        }

        var hidden = json.Int("hidden_size", ModelLimits.Hidden);
        var heads = json.Int("num_attention_heads", ModelLimits.Heads);
        var vocab = json.Int("vocab_size", ModelLimits.Vocab);
        var tokenIds = new IntRange(0, vocab - 1);
        return new ModelConfig
        {
            Architecture = Name,
            HiddenSize = hidden,
            IntermediateSize = json.Int("intermediate_size", ModelLimits.Intermediate),
            LayerCount = json.Int("num_hidden_layers", ModelLimits.Layers),
            HeadCount = heads,
            KvHeadCount = ReadKvHeads(json, heads),
            HeadDim = ReadHeadDim(json, hidden, heads),
            VocabSize = vocab,
            MaxPositions = json.Int("max_position_embeddings", ModelLimits.Positions),
            RmsNormEps = json.Real("rms_norm_eps", ModelLimits.NormEps),
            Rope = RopeConfig.Read(json),
            TiedEmbeddings = json.OptionalBool("tie_word_embeddings") ?? false,
            AttentionBias = json.OptionalBool("attention_bias") ?? false,
            MlpBias = json.OptionalBool("mlp_bias") ?? false,
            StoredDType = ReadDType(json),
            BosTokenId = json.OptionalInt("bos_token_id", tokenIds),
            EosTokenIds = json.IntOrList("eos_token_id", tokenIds, ModelLimits.EosTokens),
        };
    }

    internal static IEnumerable<ExpectedTensor> Tensors(ModelConfig config)
    {
        var hidden = config.HiddenSize;
        yield return new("model.embed_tokens.weight", [config.VocabSize, hidden]);
        for (var i = 0; i < config.LayerCount; i++)
        {
            foreach (var tensor in LayerTensors(config, $"model.layers.{i}."))
            {
                yield return tensor;
            }
        }

        yield return new("model.norm.weight", [hidden]);
        yield return new("lm_head.weight", [config.VocabSize, hidden], config.TiedEmbeddings);
    }

    private static IEnumerable<ExpectedTensor> LayerTensors(ModelConfig config, string prefix)
    {
        var hidden = config.HiddenSize;
        var inner = config.IntermediateSize;
        var query = config.HeadCount * config.HeadDim;
        var kv = config.KvHeadCount * config.HeadDim;
        (string Name, int Rows, int Columns, bool Bias)[] matrices =
        [
            ("self_attn.q_proj", query, hidden, config.AttentionBias),
            ("self_attn.k_proj", kv, hidden, config.AttentionBias),
            ("self_attn.v_proj", kv, hidden, config.AttentionBias),
            ("self_attn.o_proj", hidden, query, config.AttentionBias),
            ("mlp.gate_proj", inner, hidden, config.MlpBias),
            ("mlp.up_proj", inner, hidden, config.MlpBias),
            ("mlp.down_proj", hidden, inner, config.MlpBias),
        ];
        yield return new(prefix + "input_layernorm.weight", [hidden]);
        yield return new(prefix + "post_attention_layernorm.weight", [hidden]);
        foreach (var (name, rows, columns, bias) in matrices)
        {
            yield return new($"{prefix}{name}.weight", [rows, columns]);
            if (bias)
            {
                yield return new($"{prefix}{name}.bias", [rows]);
            }
        }
    }

    private static int ReadKvHeads(JsonSection json, int heads)
    {
        var kvHeads = json.OptionalInt("num_key_value_heads", ModelLimits.Heads) ?? heads;
        return heads % kvHeads == 0
            ? kvHeads
            : throw json.Error(
                "num_key_value_heads",
                $"is {kvHeads}, not a divisor of num_attention_heads {heads}");
    }

    private static int ReadHeadDim(JsonSection json, int hidden, int heads)
    {
        var range = ModelLimits.HeadDim;
        var stated = json.OptionalInt("head_dim", range);
        if (stated is null && hidden % heads != 0)
        {
            throw json.Error(
                "hidden_size", $"is {hidden}, not a multiple of num_attention_heads {heads}");
        }

        var dim = stated ?? hidden / heads;
        return dim >= range.Min && dim <= range.Max && dim % 2 == 0
            ? dim
            : throw json.Error(
                "head_dim", $"is {dim}, an even number from {range.Min} to {range.Max} is wanted");
    }

    private static TensorDType? ReadDType(JsonSection json)
    {
        var field = json.Has("dtype") ? "dtype" : "torch_dtype";
        return json.OptionalText(field) switch
        {
            null => null,
            "float32" => TensorDType.F32,
            "float16" => TensorDType.F16,
            "bfloat16" => TensorDType.BF16,
            var other => throw json.Error(
                field, $"is '{other}', supported: float32, float16, bfloat16"),
        };
    }

    private static void RequireText(JsonSection json, string field, string wanted)
    {
        if (json.OptionalText(field) is { } text && text != wanted)
        {
            throw json.Error(field, $"is '{text}', supported: {wanted}");
        }
    }
}
