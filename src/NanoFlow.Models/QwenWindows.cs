// Which layers of a Qwen2 or Qwen3 model have the sliding window: those from max_window_layers on
// if use_sliding_window is true, or those that layer_types (of newer files) names.

namespace NanoFlow.Models;

internal static class QwenWindows
{
    /// <summary>Tokens by layer, 0 for none; empty if no layer has a window.</summary>
    internal static IReadOnlyList<int> Read(JsonSection json, int layers)
    {
        var used = json.OptionalBool("use_sliding_window") ?? false;
        var window = used ? json.Int("sliding_window", ModelLimits.Window) : 0;
        var windows = LayerTypes.AreStated(json)
            ? LayerTypes.Read(json, layers, window, "use_sliding_window is not true")
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
}
