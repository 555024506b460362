// Gemma 2: gated GELU, four norms a layer, soft caps on scores and logits, scaled embeddings and
// queries; every other layer, from the first on, has the sliding window.

namespace NanoFlow.Models;

internal static class Gemma2Architecture
{
    internal const string Name = "Gemma2ForCausalLM";

    private const string Activation = "gelu_pytorch_tanh";

    // What transformers takes where a file says nothing; null says that there is none.
    private const double DefaultAttentionSoftcap = 50;
    private const double DefaultLogitSoftcap = 30;
    private const int DefaultWindow = 4096;

    internal static ModelConfig ReadConfig(JsonSection json)
    {
        DecoderConfig.RequireKvHeads(json);
        // Not hidden size / heads where it is absent, but 256 whatever the sizes are: do not guess.
        _ = json.Int("head_dim", ModelLimits.HeadDim);
        DecoderConfig.RequireText(json, "hidden_activation", Activation);
        if (json.OptionalBool("use_bidirectional_attention") is true)
        {
            throw json.Error("use_bidirectional_attention", "is true, only false is supported");
        }

        var config = DecoderConfig.Read(json, Name, modelType: "gemma2", Activation);
        return config with
        {
            TiedEmbeddings = json.OptionalBool("tie_word_embeddings") ?? true,
            AttentionBias = json.OptionalBool("attention_bias") ?? false,
            AttentionSoftcap = ReadSoftcap(json, "attn_logit_softcapping", DefaultAttentionSoftcap),
            LogitSoftcap = ReadSoftcap(json, "final_logit_softcapping", DefaultLogitSoftcap),
            QueryScale =
                1 / Math.Sqrt(json.Real("query_pre_attn_scalar", ModelLimits.QueryScalar)),
            EmbeddingScale = Math.Sqrt(config.HiddenSize),
            LayerWindows = ReadWindows(json, config.LayerCount),
        };
    }

    internal static IEnumerable<ExpectedTensor> Tensors(ModelConfig config) =>
        DecoderTensors.Of(config, new DecoderTraits
        {
            QkvBias = config.AttentionBias,
            OutputBias = config.AttentionBias,
            PostNorms = true,
        });

    private static double ReadSoftcap(JsonSection json, string field, double absent) =>
        json.States(field) ? json.OptionalReal(field, ModelLimits.Softcap) ?? 0 : absent;

    private static int[] ReadWindows(JsonSection json, int layers)
    {
        var window = json.States("sliding_window")
            ? json.OptionalInt("sliding_window", ModelLimits.Window) ?? 0
            : DefaultWindow;
        var windows = LayerTypes.AreStated(json)
            ? LayerTypes.Read(json, layers, window, "sliding_window is null")
            : Enumerable.Range(0, layers).Select(layer => layer % 2 == 0 ? window : 0).ToArray();
        return Array.TrueForAll(windows, tokens => tokens == 0) ? [] : windows;
    }
}
