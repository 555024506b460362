// Llama 2, 3, 3.1 and later text models of the same form. attention_bias means q, k, v and o.

namespace NanoFlow.Models;

internal static class LlamaArchitecture
{
    internal const string Name = "LlamaForCausalLM";

    internal const string ModelType = "llama";

    internal static ModelConfig ReadConfig(JsonSection json) =>
        DecoderConfig.Read(json, Name, ModelType) with
        {
            AttentionBias = json.OptionalBool("attention_bias") ?? false,
            MlpBias = json.OptionalBool("mlp_bias") ?? false,
        };

    internal static IEnumerable<ExpectedTensor> Tensors(ModelConfig config) =>
        DecoderTensors.Of(config, new DecoderTraits
        {
            QkvBias = config.AttentionBias,
            OutputBias = config.AttentionBias,
            MlpBias = config.MlpBias,
        });
}
