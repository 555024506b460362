// Two engines side by side over the same text: chunk by chunk both compute, then their logits are
// compared row by row. What is kept of a row is its divergence; logits of a chunk are all that is
// held at a time.

namespace NanoFlow.Engine.Evaluating;

/// <summary>A model and how it runs.</summary>
public sealed record EvaluatedModel(EngineModel Model, EngineOptions Options);

public sealed class DivergenceRun : IDisposable
{
    private readonly LogitsEngine _baseline;
    private readonly LogitsEngine _model;
    private readonly float[] _baselineLogits; // [ChunkTokens, vocabulary]
    private readonly float[] _logits;
    private readonly TokenDivergence[] _rows = new TokenDivergence[LogitsEngine.ChunkTokens];

    private DivergenceRun(LogitsEngine baseline, LogitsEngine model)
    {
        _baseline = baseline;
        _model = model;
        _baselineLogits = new float[LogitsEngine.ChunkTokens * baseline.Facts.VocabSize];
        _logits = new float[_baselineLogits.Length];
    }

    /// <summary>Loads both, if both fit.</summary>
    /// <param name="window">Tokens that are computed together, from 2 to what both models
    /// allow.</param>
    /// <param name="progress">Of the baseline, then of the model.</param>
    /// <exception cref="ArgumentException">Their vocabularies differ in size.</exception>
    /// <exception cref="EngineException">They do not fit, or cannot be loaded here.</exception>
    public static DivergenceRun Load(
        EvaluatedModel baseline,
        EvaluatedModel model,
        int window,
        Action<LoadProgress>? baselineProgress = null,
        Action<LoadProgress>? modelProgress = null)
    {
        if (baseline.Model.VocabSize != model.Model.VocabSize)
        {
            throw new ArgumentException(
                $"the vocabularies have {model.Model.VocabSize} and {baseline.Model.VocabSize} "
                + "tokens; only models with the same one can be compared");
        }

        CheckMemory(baseline, model, window);
        var first = LogitsEngine.Load(baseline.Model, baseline.Options, window, baselineProgress);
        try
        {
            return new DivergenceRun(
                first, LogitsEngine.Load(model.Model, model.Options, window, modelProgress));
        }
        catch
        {
            first.Dispose();
            throw;
        }
    }

    /// <param name="progress">Predictions done and in all.</param>
    /// <exception cref="ArgumentException">There is too little text.</exception>
    /// <exception cref="EngineException">A model gives logits that are no numbers.</exception>
    public DivergenceSummary Run(TokenWindows text, Action<long, long>? progress = null)
    {
        text.Validate();
        var tally = new DivergenceTally(text.Predictions);
        for (var i = 0; i < text.Count; i++)
        {
            Compare(text.At(i), text.FirstPredicted, tally, () =>
                progress?.Invoke(tally.Count, text.Predictions));
        }

        return tally.ToSummary();
    }

    public void Dispose()
    {
        _model.Dispose();
        _baseline.Dispose();
    }

    // The row at a position predicts the token after it, so the last token is only predicted.
    private void Compare(int[] window, int firstPredicted, DivergenceTally tally, Action progress)
    {
        var rows = window.Length - 1;
        _baseline.Begin(window.Length);
        _model.Begin(window.Length);
        for (var begin = 0; begin < rows; begin += LogitsEngine.ChunkTokens)
        {
            var count = Math.Min(LogitsEngine.ChunkTokens, rows - begin);
            _baseline.Append(window.AsSpan(begin, count));
            _model.Append(window.AsSpan(begin, count));
            var first = Math.Clamp(firstPredicted - 1 - begin, 0, count);
            CompareRows(window.AsMemory(begin + 1, count), first);
            for (var row = first; row < count; row++)
            {
                tally.Add(Checked(_rows[row]));
            }

            progress();
        }
    }

    private void CompareRows(ReadOnlyMemory<int> next, int first)
    {
        var vocab = _baseline.Facts.VocabSize;
        for (var row = first; row < next.Length; row++)
        {
            _baseline.CopyLogits(row, _baselineLogits.AsSpan(row * vocab, vocab));
            _model.CopyLogits(row, _logits.AsSpan(row * vocab, vocab));
        }

        Parallel.For(first, next.Length, row => _rows[row] = TokenDivergence.Of(
            _baselineLogits.AsSpan(row * vocab, vocab),
            _logits.AsSpan(row * vocab, vocab),
            next.Span[row]));
    }

    private static TokenDivergence Checked(TokenDivergence row) =>
        double.IsFinite(row.Kl + row.LogProb + row.BaselineLogProb)
            ? row
            : throw new EngineException("A model gives logits that are no finite numbers.");

    private static void CheckMemory(EvaluatedModel baseline, EvaluatedModel model, int window)
    {
        var first = LogitsEngine.MemoryOf(baseline.Model, baseline.Options, window);
        var second = LogitsEngine.MemoryOf(model.Model, model.Options, window);
        var budget = EngineLoader.Budget(model.Options);
        var copies = 2L * LogitsEngine.ChunkTokens * model.Model.VocabSize * sizeof(float);
        var host = Math.Max(first.WhileLoading, second.WhileLoading) + copies;
        var both = first.Bytes + second.Bytes + budget.Reserve + (budget.IsDevice ? 0 : host);
        if (both > budget.Available)
        {
            throw new EngineException(
                $"The model and what it is compared with take {MemoryPlan.Mib(both)} together, in "
                + $"windows of {window} tokens; there are {MemoryPlan.Mib(budget.Available)}.");
        }
    }
}
