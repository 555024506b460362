// Mixtral 8x7B and 8x22B: Mistral with experts in every layer, whose width is intermediate_size. A
// sliding window, if any, holds for all layers; files that say nothing have none.

namespace NanoFlow.Models;

internal static class MixtralArchitecture
{
    internal const string Name = "MixtralForCausalLM";

    internal static ModelConfig ReadConfig(JsonSection json)
    {
        DecoderConfig.RequireKvHeads(json);
        var config = DecoderConfig.Read(json, Name, modelType: "mixtral");
        var window = json.OptionalInt("sliding_window", ModelLimits.Window);
        return config with
        {
            Experts = ExpertsConfig.Read(
                json, "num_local_experts", config.IntermediateSize, normalize: true),
            LayerWindows = window is { } tokens
                ? Enumerable.Repeat(tokens, config.LayerCount).ToArray()
                : [],
        };
    }

    internal static IEnumerable<ExpectedTensor> Tensors(ModelConfig config) =>
        DecoderTensors.Of(config, new DecoderTraits
        {
            Experts = new ExpertNames("block_sparse_moe", "w1", "w3", "w2"),
        });
}
