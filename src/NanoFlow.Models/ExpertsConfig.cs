// Of models whose feed-forward is a set of experts, of which every token takes a few: how many there
// are, and how large.

namespace NanoFlow.Models;

/// <param name="PerToken">At most <paramref name="Count"/>.</param>
/// <param name="IntermediateSize">Of one expert.</param>
/// <param name="Normalize">The weights of a token's experts are scaled to a sum of 1.</param>
public sealed record ExpertsConfig(int Count, int PerToken, int IntermediateSize, bool Normalize)
{
    // A gate, an up and a down projection are tensors of their own.
    private const int Matrices = 3;

    /// <summary>Reads the two counts; which field holds the first depends on the family.</summary>
    internal static ExpertsConfig Read(
        JsonSection json, string countField, int intermediateSize, bool normalize)
    {
        var count = json.Int(countField, ModelLimits.Experts);
        var layers = json.Int("num_hidden_layers", ModelLimits.Layers);
        if ((long)count * layers * Matrices > ModelLimits.Tensors)
        {
            throw json.Error(
                countField,
                $"is {count}, with {layers} layers more than {ModelLimits.Tensors} tensors");
        }

        var most = Math.Min(count, ModelLimits.ExpertsPerToken.Max);
        var perToken = json.Int(
            "num_experts_per_tok", new IntRange(ModelLimits.ExpertsPerToken.Min, most));
        return new ExpertsConfig(count, perToken, intermediateSize, normalize);
    }
}
