// What the configurations of Llama and its relatives have in common: pre-norm, grouped-query
// attention, rotary positions, gated feed-forward. What an architecture has beyond them is
// read in its own file.

namespace NanoFlow.Models;

internal static class DecoderConfig
{
    /// <summary>The facts that all share; biases and windows are left at none.</summary>
    internal static ModelConfig Read(
        JsonSection json, string architecture, string modelType, string activation = "silu")
    {
        RequireText(json, "model_type", modelType);
        RequireText(json, "hidden_act", activation);
        var hidden = json.Int("hidden_size", ModelLimits.Hidden);
        var heads = json.Int("num_attention_heads", ModelLimits.Heads);
        var headDim = ReadHeadDim(json, hidden, heads);
        var positions = json.Int("max_position_embeddings", ModelLimits.Positions);
        var vocab = json.Int("vocab_size", ModelLimits.Vocab);
        var tokenIds = new IntRange(0, vocab - 1);
        var tied = json.OptionalBool("tie_word_embeddings") ?? false;
        return new ModelConfig
        {
            Architecture = architecture,
            HiddenSize = hidden,
            IntermediateSize = json.Int("intermediate_size", ModelLimits.Intermediate),
            LayerCount = json.Int("num_hidden_layers", ModelLimits.Layers),
            HeadCount = heads,
            KvHeadCount = ReadKvHeads(json, heads),
            HeadDim = headDim,
            VocabSize = vocab,
            MaxPositions = positions,
            RmsNormEps = json.Real("rms_norm_eps", ModelLimits.NormEps),
            Rope = RopeConfig.Read(json, headDim, positions),
            TiedEmbeddings = tied,
            StoredDType = ReadDType(json),
            StoredInt8 = CompressedTensorsConfig.Read(json, tied),
            BosTokenId = json.OptionalInt("bos_token_id", tokenIds),
            EosTokenIds = json.IntOrList("eos_token_id", tokenIds, ModelLimits.EosTokens),
        };
    }

    /// <summary>
    /// For families whose default is some number, not the number of heads: better not to guess.
    /// </summary>
    internal static void RequireKvHeads(JsonSection json) =>
        _ = json.Int("num_key_value_heads", ModelLimits.Heads);

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

    internal static void RequireText(JsonSection json, string field, string wanted)
    {
        if (json.OptionalText(field) is { } text && text != wanted)
        {
            throw json.Error(field, $"is '{text}', supported: {wanted}");
        }
    }
}
