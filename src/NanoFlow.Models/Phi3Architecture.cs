// Phi-3 text models: q, k and v are stored as one matrix, gate and up as one; no biases; one
// sliding window for all layers, or none.

namespace NanoFlow.Models;

internal static class Phi3Architecture
{
    internal const string Name = "Phi3ForCausalLM";

    internal static ModelConfig ReadConfig(JsonSection json)
    {
        var config = DecoderConfig.Read(json, Name, modelType: "phi3");
        return config with
        {
            LayerWindows = json.OptionalInt("sliding_window", ModelLimits.Window) is { } tokens
                ? Enumerable.Repeat(tokens, config.LayerCount).ToArray()
                : [],
        };
    }

    internal static IEnumerable<ExpectedTensor> Tensors(ModelConfig config) =>
        DecoderTensors.Of(config, new DecoderTraits { FusedProjections = true });
}
