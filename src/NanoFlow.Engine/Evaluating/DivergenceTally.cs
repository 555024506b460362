using NanoFlow.Engine.Measuring;

namespace NanoFlow.Engine.Evaluating;

/// <summary>Over all predicted tokens. Divergences are in nats.</summary>
public sealed record DivergenceSummary
{
    public required int Predictions { get; init; }

    public required double MeanKl { get; init; }

    /// <summary>Standard error of the mean, as if tokens were independent.</summary>
    public required double MeanKlError { get; init; }

    public required double MedianKl { get; init; }

    /// <summary>99 of 100 are not larger.</summary>
    public required double Percentile99Kl { get; init; }

    public required double MaxKl { get; init; }

    /// <summary>Predictions where both have the same most likely token.</summary>
    public required int SameTop { get; init; }

    public required double Perplexity { get; init; }

    public required double BaselinePerplexity { get; init; }
}

internal sealed class DivergenceTally(int capacity)
{
    private readonly List<double> _kls = new(capacity);
    private double _logProbs;
    private double _baselineLogProbs;
    private int _sameTop;

    public int Count => _kls.Count;

    public void Add(TokenDivergence divergence)
    {
        _kls.Add(divergence.Kl);
        _logProbs += divergence.LogProb;
        _baselineLogProbs += divergence.BaselineLogProb;
        _sameTop += divergence.IsSameTop ? 1 : 0;
    }

    /// <summary>Of two at least.</summary>
    public DivergenceSummary ToSummary()
    {
        double[] sorted = [.. _kls];
        double count = sorted.Length;
        var mean = sorted.Sum() / count;
        var variance = sorted.Sum(kl => (kl - mean) * (kl - mean)) / (count - 1);
        var median = Median.Of(sorted);
        return new DivergenceSummary
        {
            Predictions = sorted.Length,
            MeanKl = mean,
            MeanKlError = Math.Sqrt(variance / count),
            MedianKl = median,
            Percentile99Kl = sorted[(int)Math.Ceiling(0.99 * count) - 1],
            MaxKl = sorted[^1],
            SameTop = _sameTop,
            Perplexity = Math.Exp(-_logProbs / count),
            BaselinePerplexity = Math.Exp(-_baselineLogProbs / count),
        };
    }
}
