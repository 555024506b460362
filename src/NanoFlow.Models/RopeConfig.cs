// Rotary position encoding: base and scaling.
//
// Three generations of files state it: rope_theta beside rope_scaling with "type" or with
// "rope_type", and one rope_parameters object that holds all. Where a file states a fact twice,
// both must agree: there is no rule which of two answers is right.

namespace NanoFlow.Models;

/// <summary>Values are part of the contract with native code.</summary>
public enum RopeScalingKind
{
    None = 0,

    /// <summary>Positions are divided by Factor.</summary>
    Linear = 1,

    /// <summary>Long wavelengths are divided by Factor, short ones kept, between blended.</summary>
    Llama3 = 2,

    /// <summary>Every frequency is divided by a factor of its own: see Stretch.</summary>
    Factors = 3,
}

/// <summary>Fields have meaning for some scalings only and are 0 otherwise.</summary>
public sealed record RopeConfig(double Theta)
{
    // What the architecture used before files stated it.
    private const double DefaultTheta = 10000;

    public RopeScalingKind Scaling { get; init; }

    public double Factor { get; init; } = 1;

    public double LowFreqFactor { get; init; }

    public double HighFreqFactor { get; init; }

    public int OriginalMaxPositions { get; init; }

    /// <summary>For Factors only.</summary>
    public RopeStretch? Stretch { get; init; }

    /// <summary>Sequences of more tokens are rotated by other factors; 0: none of up to so many
    /// positions is.</summary>
    public int LongAfter(int maxPositions) =>
        Stretch is { LongFactors.Count: > 0 } && OriginalMaxPositions < maxPositions
            ? OriginalMaxPositions
            : 0;

    internal static RopeConfig Read(JsonSection config, int headDim, int maxPositions)
    {
        var sizes = new RopeSizes(headDim, maxPositions);
        RefusePartialRotation(config);
        var theta = config.OptionalReal("rope_theta", ModelLimits.RopeTheta);
        var older = config.OptionalSection("rope_scaling");
        var newer = config.OptionalSection("rope_parameters");
        foreach (var section in new[] { older, newer })
        {
            var inner = section?.OptionalReal("rope_theta", ModelLimits.RopeTheta);
            if (inner is not null && theta is not null && inner != theta)
            {
                throw config.Error("rope_theta", "is stated twice with different values");
            }

            theta ??= inner;
        }

        var rope = new RopeConfig(theta ?? DefaultTheta);
        var scaled = (older ?? newer) is { } first
            ? ReadScaling(rope, config, first, sizes)
            : rope;
        if (older is not null && newer is not null
            && ReadScaling(rope, config, newer, sizes) != scaled)
        {
            throw config.Error("rope_parameters", "and rope_scaling say different things");
        }

        return scaled;
    }

    private static RopeConfig ReadScaling(
        RopeConfig plain, JsonSection config, JsonSection section, RopeSizes sizes)
    {
        RefusePartialRotation(section);
        var field = section.Has("rope_type") ? "rope_type" : "type";
        var kind = section.OptionalText(field) ?? "default";
        return kind switch
        {
            "default" => plain,
            "linear" => plain with
            {
                Scaling = RopeScalingKind.Linear,
                Factor = section.Real("factor", ModelLimits.RopeFactor),
            },
            "llama3" => ReadLlama3(plain, section),
            // The first files of such models say "su".
            "longrope" or "su" => plain with
            {
                Scaling = RopeScalingKind.Factors,
                OriginalMaxPositions = RopeStretch.ReadOriginalPositions(config, section),
                Stretch = RopeStretch.Read(config, section, sizes),
            },
            _ => throw section.Error(
                field, $"is '{kind}', supported: default, linear, llama3, longrope"),
        };
    }

    // Some of a head's dimensions stay as they are in such models.
    private static void RefusePartialRotation(JsonSection section)
    {
        if (section.OptionalReal("partial_rotary_factor", new RealRange(0, 1)) is { } part and < 1)
        {
            throw section.Error("partial_rotary_factor", $"is {part}, only 1 is supported");
        }
    }

    private static RopeConfig ReadLlama3(RopeConfig plain, JsonSection section)
    {
        var rope = plain with
        {
            Scaling = RopeScalingKind.Llama3,
            Factor = section.Real("factor", ModelLimits.RopeFactor),
            LowFreqFactor = section.Real("low_freq_factor", ModelLimits.RopeFreqFactor),
            HighFreqFactor = section.Real("high_freq_factor", ModelLimits.RopeFreqFactor),
            OriginalMaxPositions = section.Int(
                "original_max_position_embeddings", ModelLimits.Positions),
        };
        return rope.LowFreqFactor < rope.HighFreqFactor
            ? rope
            : throw section.Error("low_freq_factor", "must be below high_freq_factor");
    }
}
