// A decoder by its shape. Sizes follow from the shape and are never stated twice.

namespace NanoFlow.Planning.Analysis;

/// <param name="Intermediate">Width of the feed-forward, of one expert where there are
/// experts.</param>
public sealed record DecoderShape(
    string Name,
    int Layers,
    int Hidden,
    int Heads,
    int KvHeads,
    int HeadDim,
    int Intermediate,
    int Vocabulary)
{
    /// <summary>0: a dense feed-forward.</summary>
    public int Experts { get; init; }

    /// <summary>Of them, for one token.</summary>
    public int ActiveExperts { get; init; }

    public bool HasQkvBias { get; init; }

    public double QueryWidth => (double)Heads * HeadDim;

    /// <summary>Of keys, and of values.</summary>
    public double KvWidth => (double)KvHeads * HeadDim;

    public double QkvWidth => QueryWidth + 2 * KvWidth;

    public double Parameters => ParametersWith(Experts);

    /// <summary>Those that one token is multiplied with.</summary>
    public double ActiveParameters => ParametersWith(ActiveExperts);

    /// <summary>Bytes of keys and values of one token.</summary>
    public double KvBytes(NumberFormat format) => 2 * KvWidth * Layers * (int)format;

    public double WeightBytes(NumberFormat format) => Parameters * (int)format;

    private double ParametersWith(int experts)
    {
        var attention = Hidden * (QueryWidth + QkvWidth) + (HasQkvBias ? QkvWidth : 0);
        var expert = 3.0 * Hidden * Intermediate;
        var feedForward = Experts == 0 ? expert : experts * expert + (double)Experts * Hidden;
        var norms = 2.0 * Hidden;
        return Layers * (attention + feedForward + norms) + 2.0 * Vocabulary * Hidden + Hidden;
    }
}
