// Dense Qwen3: heads of q and k are normalised; no biases, unless attention_bias asks for those of
// q, k, v and o. Later layers may have a sliding window.

namespace NanoFlow.Models;

internal static class Qwen3Architecture
{
    internal const string Name = "Qwen3ForCausalLM";

    internal static ModelConfig ReadConfig(JsonSection json)
    {
        DecoderConfig.RequireKvHeads(json);
        // Not hidden size / heads where it is absent, but 128 whatever the sizes are: do not guess.
        _ = json.Int("head_dim", ModelLimits.HeadDim);
        var config = DecoderConfig.Read(json, Name, modelType: "qwen3");
        return config with
        {
            AttentionBias = json.OptionalBool("attention_bias") ?? false,
            LayerWindows = QwenWindows.Read(json, config.LayerCount),
        };
    }

    internal static IEnumerable<ExpectedTensor> Tensors(ModelConfig config) =>
        DecoderTensors.Of(config, new DecoderTraits
        {
            QkvBias = config.AttentionBias,
            OutputBias = config.AttentionBias,
            QkNorm = true,
        });
}
