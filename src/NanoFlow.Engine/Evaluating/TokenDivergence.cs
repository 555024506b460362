// How far the distributions of two models for one token are apart. All in double: the differences
// that matter are far below what fp32 leaves of a sum over a vocabulary.

namespace NanoFlow.Engine.Evaluating;

/// <param name="Kl">Of the model from the baseline, D(baseline || model), in nats.</param>
/// <param name="LogProb">Of the token that does follow, by the model.</param>
/// <param name="BaselineLogProb">The same by the baseline.</param>
/// <param name="IsSameTop">Both have the same most likely token; of equals the first.</param>
public readonly record struct TokenDivergence(
    double Kl, double LogProb, double BaselineLogProb, bool IsSameTop)
{
    /// <param name="baseline">Logits [vocabulary].</param>
    /// <param name="model">Logits of the same vocabulary.</param>
    /// <param name="token">The one that does follow.</param>
    public static TokenDivergence Of(
        ReadOnlySpan<float> baseline, ReadOnlySpan<float> model, int token)
    {
        var top = IndexOfMax(baseline);
        var modelTop = IndexOfMax(model);
        double most = baseline[top];
        double modelMost = model[modelTop];
        double sum = 0;
        double modelSum = 0;
        double weighted = 0; // of differences of logits, by the baseline's probabilities * sum
        for (var i = 0; i < baseline.Length; i++)
        {
            var weight = Math.Exp(baseline[i] - most);
            sum += weight;
            modelSum += Math.Exp(model[i] - modelMost);
            weighted += weight * ((double)baseline[i] - model[i]);
        }

        var total = most + Math.Log(sum); // logarithm of the sum of all exponentials
        var modelTotal = modelMost + Math.Log(modelSum);

        // Never negative but for rounding.
        var kl = weighted / sum - (total - modelTotal);
        return new TokenDivergence(
            kl < 0 ? 0 : kl, model[token] - modelTotal, baseline[token] - total, top == modelTop);
    }

    private static int IndexOfMax(ReadOnlySpan<float> logits)
    {
        var index = 0;
        for (var i = 1; i < logits.Length; i++)
        {
            index = logits[i] > logits[index] ? i : index;
        }

        return index;
    }
}
