// Windows by layer as newer files state them: layer_types names the attention of every layer.

namespace NanoFlow.Models;

internal static class LayerTypes
{
    private const string Field = "layer_types";
    private const string Full = "full_attention";
    private const string Sliding = "sliding_attention";

    internal static bool AreStated(JsonSection json) => json.Has(Field);

    /// <summary>Tokens by layer, 0 for none.</summary>
    /// <param name="json">The configuration.</param>
    /// <param name="layers">Their number.</param>
    /// <param name="window">Tokens of a sliding layer; 0: there must be no such layer.</param>
    /// <param name="whyNoWindow">What an error says of a sliding layer without a window.</param>
    internal static int[] Read(JsonSection json, int layers, int window, string whyNoWindow)
    {
        var types = json.TextList(Field, ModelLimits.Layers.Max);
        if (types.Count != layers)
        {
            throw json.Error(Field, $"has {types.Count} items, num_hidden_layers is {layers}");
        }

        return types.Select((type, i) => type switch
        {
            Full => 0,
            Sliding when window > 0 => window,
            Sliding => throw json.Error($"{Field}[{i}]", $"is {Sliding}, but {whyNoWindow}"),
            _ => throw json.Error($"{Field}[{i}]", $"is '{type}', supported: {Full}, {Sliding}"),
        }).ToArray();
    }
}
