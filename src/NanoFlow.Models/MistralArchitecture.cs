// Mistral 7B and later text models: no biases; one sliding window for all layers, or none.

namespace NanoFlow.Models;

internal static class MistralArchitecture
{
    internal const string Name = "MistralForCausalLM";

    // What transformers takes where a file says nothing; null says that there is no window.
    private const int DefaultWindow = 4096;

    internal static ModelConfig ReadConfig(JsonSection json)
    {
        DecoderConfig.RequireKvHeads(json);
        var config = DecoderConfig.Read(json, Name, modelType: "mistral");
        var window = json.States("sliding_window")
            ? json.OptionalInt("sliding_window", ModelLimits.Window)
            : DefaultWindow;
        return config with
        {
            LayerWindows = window is { } tokens
                ? Enumerable.Repeat(tokens, config.LayerCount).ToArray()
                : [],
        };
    }

    internal static IEnumerable<ExpectedTensor> Tensors(ModelConfig config) =>
        DecoderTensors.Of(config, default);
}
