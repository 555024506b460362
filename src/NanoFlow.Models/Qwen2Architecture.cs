// Qwen2 and Qwen2.5: q, k and v always have a bias, o never. Later layers may have a sliding
// window.

namespace NanoFlow.Models;

internal static class Qwen2Architecture
{
    internal const string Name = "Qwen2ForCausalLM";

    internal static ModelConfig ReadConfig(JsonSection json)
    {
        DecoderConfig.RequireKvHeads(json);
        var config = DecoderConfig.Read(json, Name, modelType: "qwen2");
        return config with { LayerWindows = QwenWindows.Read(json, config.LayerCount) };
    }

    internal static IEnumerable<ExpectedTensor> Tensors(ModelConfig config) =>
        DecoderTensors.Of(config, new DecoderTraits { QkvBias = true });
}
