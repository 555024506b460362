// Writes a step of a mix into the buffers of a slot: random tokens, so that embedding rows and
// experts are spread as in service, and KV pages that no two sequences share.

using NanoFlow.Native;
using NanoFlow.Planning;

namespace NanoFlow.Engine.Measuring;

internal static unsafe class StepMixWriter
{
    private const int TokenSeed = 1;

    /// <exception cref="ArgumentException">The step does not fit the engine.</exception>
    public static NfStepShape Write(
        in NfStepBuffers buffers, StepMix mix, BenchLimits limits, int vocabSize)
    {
        if (!limits.Hold(mix))
        {
            throw new ArgumentException(
                $"A step of {mix.Rows} rows, {mix.DecodeRows} of them decode, with a context of "
                + $"{mix.Context} does not fit: {limits}.");
        }
        var tokens = new Span<int>(buffers.Tokens, mix.Rows);
        var random = new Random(TokenSeed);
        foreach (ref var token in tokens)
        {
            token = random.Next(vocabSize);
        }
        var pages = 0;
        var sequences = new Span<NfSequence>(buffers.Sequences, mix.SequenceCount);
        for (var i = 0; i < mix.DecodeRows; i++)
        {
            sequences[i] = Sequence(i, 1, mix.Context - 1, limits, ref pages);
        }
        if (mix.PrefillRows > 0)
        {
            sequences[mix.DecodeRows] = Sequence(
                mix.DecodeRows, mix.PrefillRows, mix.PrefillBegin, limits, ref pages);
        }
        for (var i = 0; i < pages; i++)
        {
            buffers.Pages[i] = (uint)i;
        }
        new Span<NfSampling>(buffers.Sampling, mix.SequenceCount).Fill(
            new NfSampling { TopP = 1, RepetitionPenalty = 1 });
        return new NfStepShape
        {
            NumSequences = (uint)mix.SequenceCount,
            NumDecode = (uint)mix.DecodeRows,
            NumRows = (uint)mix.Rows,
            NumPages = (uint)pages,
        };
    }

    private static NfSequence Sequence(
        int slot, int rows, int position, BenchLimits limits, ref int pages)
    {
        var count = (position + rows + limits.PageTokens - 1) / limits.PageTokens;
        var sequence = new NfSequence
        {
            Slot = (uint)slot,
            RowCount = (uint)rows,
            Position = (uint)position,
            PageBegin = (uint)pages,
            PageCount = (uint)count,
            PromptTokens = (uint)(position + rows),
            Flags = (uint)NfSequenceFlag.Sample,
        };
        pages += count;
        return sequence;
    }
}
