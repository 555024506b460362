// Decides whether one more sequence may run: predicts how many KV pages the running ones will need
// at the worst moment to come, and admits a newcomer only when that peak and its own fit.
//
// The prediction. A sequence is expected to produce as many tokens as sequences did on average, at
// most its own limit. Every running sequence grows by one token a step until it ends; then all its
// pages are back. So the pages in use rise and fall in a saw-tooth, and its peak is far below the
// sum of all final lengths. Time to come is cut into Buckets equal stretches, each
// sequence is booked in the stretch in which it ends, and one pass from the last stretch to the
// first adds up tokens and sequences: O(running + Buckets) a step, O(Buckets) for a newcomer.
// Within a stretch everybody is taken at its end, so the prediction errs to the safe side.
//
// It starts optimistic, before any output length is known: too many admitted costs a
// preemption, and the mean learns; too few admitted would go unnoticed.

namespace NanoFlow.Scheduling;

internal sealed class Admission
{
    private const int Buckets = 32;

    // Before anything has finished. Short, on purpose (see above).
    private const double FirstGuessTokens = 64;

    // Sequences the mean remembers: it follows a change of load within some hundred of them.
    private const int MeanWindow = 256;

    private readonly int _pageTokens;
    private readonly int _pageCount;
    private readonly long[] _tokens = new long[Buckets]; // held now by those that end there
    private readonly int[] _sequences = new int[Buckets];
    private int _bucketSteps = 1;
    private int _finished;

    public Admission(SchedulerOptions options)
    {
        _pageTokens = options.PageTokens;
        _pageCount = options.PageCount;
    }

    public double MeanOutputTokens { get; private set; } = FirstGuessTokens;

    /// <summary>Learns from a sequence that ended by itself.</summary>
    public void Learn(int outputTokens)
    {
        _finished = Math.Min(_finished + 1, MeanWindow);
        MeanOutputTokens += (outputTokens - MeanOutputTokens) / _finished;
    }

    /// <summary>Starts the prediction of a step with the sequences that run.</summary>
    public void Begin(ReadOnlySpan<Sequence> running)
    {
        Array.Clear(_tokens);
        Array.Clear(_sequences);
        var horizon = Math.Max((int)MeanOutputTokens, _pageTokens);
        _bucketSteps = (horizon + Buckets - 1) / Buckets;
        foreach (var sequence in running)
        {
            Book(sequence, 1);
        }
    }

    /// <summary>Adds a newcomer to the prediction if the peak with it fits, or if it would be
    /// alone: any sequence fits alone.</summary>
    public bool TryAdd(Sequence newcomer, bool isAlone)
    {
        Book(newcomer, 1);
        if (isAlone || PeakPages() <= _pageCount)
        {
            return true;
        }
        Book(newcomer, -1);
        return false;
    }

    internal long PeakPages()
    {
        var peak = 0L;
        var tokens = 0L;
        var sequences = 0L;
        for (var bucket = Buckets - 1; bucket >= 0; bucket--)
        {
            tokens += _tokens[bucket];
            sequences += _sequences[bucket];
            // All that have not ended before this stretch, each grown to its end; a page is
            // rounded up for every sequence.
            var steps = (long)(bucket + 1) * _bucketSteps;
            var grown = tokens + sequences * (steps + _pageTokens - 1);
            peak = Math.Max(peak, grown / _pageTokens);
        }
        return peak;
    }

    private void Book(Sequence sequence, int sign)
    {
        var bucket = Math.Min((RemainingTokens(sequence) - 1) / _bucketSteps, Buckets - 1);
        _tokens[bucket] += sign * (long)sequence.TokenCount;
        _sequences[bucket] += sign;
    }

    // At least a page more for one that has outlived the mean, within its own limit. Never beyond
    // the horizon.
    private int RemainingTokens(Sequence sequence)
    {
        var expected = (int)MeanOutputTokens - sequence.NewTokenCount;
        var limit = sequence.MaxNewTokens - sequence.NewTokenCount;
        return Math.Max(1, Math.Min(Math.Max(expected, _pageTokens), limit));
    }
}
