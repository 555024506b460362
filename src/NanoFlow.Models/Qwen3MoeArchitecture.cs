// Qwen3 with experts in every layer: attention is that of Qwen3. Files may ask for dense layers in
// between, which no published model has; those are refused. A sliding window, if it is used, holds
// for all layers, unlike in dense Qwen3.

namespace NanoFlow.Models;

internal static class Qwen3MoeArchitecture
{
    internal const string Name = "Qwen3MoeForCausalLM";

    internal static ModelConfig ReadConfig(JsonSection json)
    {
        DecoderConfig.RequireKvHeads(json);
        var config = DecoderConfig.Read(json, Name, modelType: "qwen3_moe");
        RefuseDenseLayers(json);
        var inner = json.Int("moe_intermediate_size", ModelLimits.Intermediate);
        var normalize = json.OptionalBool("norm_topk_prob") ?? false;
        // Newer files may have Mixtral's name for it.
        var count = json.Has("num_experts") ? "num_experts" : "num_local_experts";
        var windowed = json.OptionalBool("use_sliding_window") ?? false;
        return config with
        {
            AttentionBias = json.OptionalBool("attention_bias") ?? false,
            Experts = ExpertsConfig.Read(json, count, inner, normalize),
            LayerWindows = windowed
                ? Enumerable.Repeat(json.Int("sliding_window", ModelLimits.Window), config.LayerCount)
                    .ToArray()
                : [],
        };
    }

    internal static IEnumerable<ExpectedTensor> Tensors(ModelConfig config) =>
        DecoderTensors.Of(config, new DecoderTraits
        {
            QkvBias = config.AttentionBias,
            OutputBias = config.AttentionBias,
            QkNorm = true,
            Experts = new ExpertNames("mlp", "gate_proj", "up_proj", "down_proj"),
        });

    private static void RefuseDenseLayers(JsonSection json)
    {
        var everyLayers = new IntRange(1, ModelLimits.Layers.Max);
        if (json.OptionalInt("decoder_sparse_step", everyLayers) is { } step && step != 1)
        {
            throw json.Error(
                "decoder_sparse_step",
                $"is {step}, but a mix of dense layers and layers of experts is not supported; "
                + "supported: 1");
        }

        var layers = new IntRange(0, ModelLimits.Layers.Max);
        if (json.IntOrList("mlp_only_layers", layers, ModelLimits.Layers.Max).Count > 0)
        {
            throw json.Error(
                "mlp_only_layers",
                "names layers, but a mix of dense layers and layers of experts is not supported; "
                + "supported: an empty list");
        }
    }
}
