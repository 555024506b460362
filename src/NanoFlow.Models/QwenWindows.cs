// Which layers of a Qwen2 or Qwen3 model have the sliding window: those from max_window_layers on
// if use_sliding_window is true, or those that layer_types (of newer files) names.

namespace NanoFlow.Models;

internal static class QwenWindows
{
    private const string Full = "full_attention";
    private const string Sliding = "sliding_attention";

    /// <summary>Tokens by layer, 0 for none; empty if no layer has a window.</summary>
    internal static IReadOnlyList<int> Read(JsonSection json, int layers)
    {
        var used = json.OptionalBool("use_sliding_window") ?? false;
        var window = used ? json.Int("sliding_window", ModelLimits.Window) : 0;
        var windows = json.Has("layer_types")
            ? FromTypes(json, layers, window)
            : FromIndex(json, layers, window);
        return Array.TrueForAll(windows, tokens => tokens == 0) ? [] : windows;
    }

    private static int[] FromIndex(JsonSection json, int layers, int window)
    {
        var windows = new int[layers];
        if (window > 0)
        {
            var first = json.Int("max_window_layers", new IntRange(0, ModelLimits.Layers.Max));
            windows.AsSpan(Math.Min(first, layers)).Fill(window);
        }

        return windows;
    }

    private static int[] FromTypes(JsonSection json, int layers, int window)
    {
        var types = json.TextList("layer_types", ModelLimits.Layers.Max);
        if (types.Count != layers)
        {
            throw json.Error(
                "layer_types", $"has {types.Count} items, num_hidden_layers is {layers}");
        }

        return types.Select((type, i) => type switch
        {
            Full => 0,
            Sliding when window > 0 => window,
            Sliding => throw json.Error(
                $"layer_types[{i}]", $"is {Sliding}, but use_sliding_window is not true"),
            _ => throw json.Error(
                $"layer_types[{i}]", $"is '{type}', supported: {Full}, {Sliding}"),
        }).ToArray();
    }
}
