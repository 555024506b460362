// Rope that is stretched by a factor for every frequency ("longrope", of Phi-3): by one list while
// a sequence fits into the positions of the first training, by another in all positions of a
// longer one.

namespace NanoFlow.Models;

/// <summary>Facts of the model that the rope depends on.</summary>
internal readonly record struct RopeSizes(int HeadDim, int MaxPositions);

/// <summary>What frequencies are divided by: HeadDim / 2 factors each; no long ones where the
/// short ones hold for every sequence.</summary>
public sealed record RopeStretch(
    IReadOnlyList<double> ShortFactors, IReadOnlyList<double> LongFactors)
{
    private const string OriginalField = "original_max_position_embeddings";

    /// <summary>Cosines and sines are multiplied by it.</summary>
    public required double AttentionFactor { get; init; }

    public bool Equals(RopeStretch? other) =>
        other is not null
        && AttentionFactor == other.AttentionFactor
        && ShortFactors.SequenceEqual(other.ShortFactors)
        && LongFactors.SequenceEqual(other.LongFactors);

    public override int GetHashCode() => HashCode.Combine(AttentionFactor, ShortFactors.Count);

    /// <summary>Stated beside the scaling, inside of it, or twice.</summary>
    internal static int ReadOriginalPositions(JsonSection config, JsonSection section)
    {
        var outer = config.OptionalInt(OriginalField, ModelLimits.Positions);
        var inner = section.OptionalInt(OriginalField, ModelLimits.Positions);
        return outer is null || inner is null || outer == inner
            ? outer ?? inner ?? section.Int(OriginalField, ModelLimits.Positions)
            : throw section.Error(OriginalField, $"is {inner}, but {outer} outside of it");
    }

    internal static RopeStretch Read(JsonSection config, JsonSection section, RopeSizes sizes)
    {
        var count = sizes.HeadDim / 2;
        return new RopeStretch(
            section.RealList("short_factor", ModelLimits.RopeStretch, count),
            section.RealList("long_factor", ModelLimits.RopeStretch, count))
        {
            AttentionFactor =
                section.OptionalReal("attention_factor", ModelLimits.RopeAttentionFactor)
                ?? DefaultAttentionFactor(config, section, sizes),
        };
    }

    // Longer sequences make flatter attention; the factor sharpens it again.
    private static double DefaultAttentionFactor(
        JsonSection config, JsonSection section, RopeSizes sizes)
    {
        var original = ReadOriginalPositions(config, section);
        var factor = section.OptionalReal("factor", ModelLimits.RopeFactor)
            ?? (double)sizes.MaxPositions / original;
        return factor <= 1 || original == 1
            ? 1
            : Math.Sqrt(1 + (Math.Log(factor) / Math.Log(original)));
    }
}
