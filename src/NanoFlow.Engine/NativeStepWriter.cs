// Writes a step straight into the buffers of one slot, which native code reads: rows, page tables,
// and how each token is drawn. The scheduler keeps the limits that the buffers were sized for;
// spans check them again.
//
// A step is written before the tokens of the step before it are known. What a constraint allows is
// therefore written last, when the step is released to sample, while its forward pass runs.

using NanoFlow.Native;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine;

internal sealed unsafe class NativeStepWriter : IStepWriter
{
    private readonly NfStepBuffers _buffers;
    private readonly int _maxRows;
    private readonly int _maxSequences;
    private readonly (Sequence Sequence, int Sample)[] _constrained;
    private int _constrainedCount;
    private int _sequences;
    private int _rows;
    private int _pages;
    private int _samples;
    private int _biases;

    public NativeStepWriter(NfStepBuffers buffers, SchedulerOptions limits)
    {
        _buffers = buffers;
        _maxRows = limits.MaxStepRows;
        _maxSequences = limits.MaxSequences;
        _constrained = new (Sequence, int)[_maxSequences];
    }

    public void Clear()
    {
        _sequences = 0;
        _rows = 0;
        _pages = 0;
        _samples = 0;
        _biases = 0;
        Array.Clear(_constrained, 0, _constrainedCount);
        _constrainedCount = 0;
    }

    public void Add(
        Sequence sequence,
        SequencePart part,
        ReadOnlySpan<int> pages,
        ReadOnlySpan<int> tokens)
    {
        tokens.CopyTo(new Span<int>(_buffers.Tokens, _maxRows)[_rows..]);
        pages.CopyTo(new Span<int>(_buffers.Pages, (int)_buffers.PagesCapacity)[_pages..]);
        var flags = part.Samples ? NfSequenceFlag.Sample : 0;
        flags |= part.Scores > 0 ? NfSequenceFlag.SampleAll : 0;
        flags |= PoolFlag(sequence.Pooling);
        flags |= part.ResetsSlot ? NfSequenceFlag.Reset : 0;
        flags |= part.HasLongRope ? NfSequenceFlag.LongRope : 0;
        flags |= sequence.Sampling.HasPenalties ? NfSequenceFlag.Count : 0;
        new Span<NfSequence>(_buffers.Sequences, _maxSequences)[_sequences] = new NfSequence
        {
            Slot = (uint)part.Slot,
            RowCount = (uint)part.RowCount,
            Position = (uint)part.Position,
            PageBegin = (uint)_pages,
            PageCount = (uint)pages.Length,
            PromptTokens = (uint)sequence.PromptLength,
            Flags = (uint)flags,
        };
        _sequences++;
        _rows += tokens.Length;
        _pages += pages.Length;
        AddScores(sequence, part);
        if (part.Samples)
        {
            AddSample(sequence);
        }
    }

    /// <summary>Writes what constraints allow now. A sequence that has ended since has a sample
    /// that nobody reads.</summary>
    public void WriteConstraints()
    {
        for (var i = 0; i < _constrainedCount; i++)
        {
            var (sequence, sample) = _constrained[i];
            var mask = Mask(sample);
            if (sequence.State == SequenceState.Finished)
            {
                mask.Fill(uint.MaxValue);
                continue;
            }
            sequence.Constraint!.WriteMask(mask);
            if (sequence.Sampling.AllowedTokens is { } allowed)
            {
                KeepOnly(mask, allowed);
            }
        }
    }

    private void AddSample(Sequence sequence)
    {
        var sampling = sequence.Sampling;
        var isMasked = sampling.AllowedTokens is not null || sequence.Constraint is not null;
        var flags = isMasked ? NfSamplingFlag.Mask : 0;
        new Span<NfSampling>(_buffers.Sampling, _maxSequences)[_samples] = new NfSampling
        {
            Temperature = sampling.Temperature,
            TopP = sampling.TopP,
            MinP = sampling.MinP,
            RepetitionPenalty = sampling.RepetitionPenalty,
            PresencePenalty = sampling.PresencePenalty,
            FrequencyPenalty = sampling.FrequencyPenalty,
            TopK = (uint)sampling.TopK,
            NumLogprobs = (uint)(sampling.LogProbCount ?? 0),
            Seed = sampling.Seed,
            BiasBegin = (uint)_biases,
            BiasCount = (uint)sampling.LogitBias.Count,
            Flags = (uint)flags,
        };
        AddBias(sampling.LogitBias);
        if (sequence.Constraint is not null)
        {
            _constrained[_constrainedCount++] = (sequence, _samples);
        }
        else if (sampling.AllowedTokens is { } allowed)
        {
            WriteMask(Mask(_samples), allowed);
        }
        _samples++;
    }

    // The row at a position scores the token after it.
    private void AddScores(Sequence sequence, SequencePart part)
    {
        var room = new Span<NfSampling>(_buffers.Sampling, _maxSequences);
        for (var i = 0; i < part.Scores; i++)
        {
            room[_samples++] = new NfSampling
            {
                TopP = 1,
                RepetitionPenalty = 1,
                NumLogprobs = (uint)(sequence.PromptLogProbs ?? 0),
                Flags = (uint)NfSamplingFlag.Score,
                Target = (uint)sequence.Tokens[part.Position + i + 1],
            };
        }
    }

    private static NfSequenceFlag PoolFlag(Pooling pooling) => pooling switch
    {
        Pooling.First => NfSequenceFlag.PoolFirst,
        Pooling.Last => NfSequenceFlag.PoolLast,
        Pooling.Mean => NfSequenceFlag.PoolMean,
        _ => 0,
    };

    private void AddBias(IReadOnlyList<TokenBias> biases)
    {
        var room = new Span<NfBias>(_buffers.Bias, _maxSequences * EngineLimits.Bias)[_biases..];
        for (var i = 0; i < biases.Count; i++)
        {
            room[i].Token = (uint)biases[i].Token;
            room[i].Bias = biases[i].Bias;
        }
        _biases += biases.Count;
    }

    private Span<uint> Mask(int sample)
    {
        var words = (int)_buffers.MaskWords;
        return new Span<uint>(_buffers.Masks + (nint)sample * words, words);
    }

    private static void WriteMask(Span<uint> mask, IReadOnlyList<int> allowed)
    {
        mask.Clear();
        for (var i = 0; i < allowed.Count; i++)
        {
            mask[allowed[i] >> 5] |= 1u << (allowed[i] & 31);
        }
    }

    // Tokens that are in both; where none is, the sampler has nothing to draw from and the sequence
    // ends with an error.
    private static void KeepOnly(Span<uint> mask, IReadOnlyList<int> allowed)
    {
        for (var word = 0; word < mask.Length; word++)
        {
            var kept = 0u;
            for (var i = 0; i < allowed.Count; i++)
            {
                kept |= allowed[i] >> 5 == word ? 1u << (allowed[i] & 31) : 0;
            }
            mask[word] &= kept;
        }
    }
}
