// How likely the tokens of a prompt were, as one sequence's steps find out. Room is taken in
// blocks, when scores come: a long prompt that still waits takes none, and no array is large.

using NanoFlow.Scheduling;

namespace NanoFlow.Engine;

/// <param name="LogProb">Of the token that is in the prompt.</param>
/// <param name="Top">The most likely tokens at its place, best first.</param>
public readonly record struct PromptScore(float LogProb, ReadOnlyMemory<TokenLogProb> Top);

/// <summary>Written by the engine's thread, read by any.</summary>
public sealed class PromptScores
{
    // With 20 alternatives a block takes 42 KiB, below what the runtime counts as large.
    private const int BlockTokens = 256;

    private readonly int _topCount;
    private readonly float[]?[] _logProbs;
    private readonly TokenLogProb[]?[] _top; // [tokens of a block, alternatives]
    private int _count;

    internal PromptScores(int promptTokens, int topCount)
    {
        var blocks = (promptTokens - 1 + BlockTokens - 1) / BlockTokens;
        _topCount = topCount;
        _logProbs = new float[]?[blocks];
        _top = new TokenLogProb[]?[blocks];
    }

    /// <summary>Scores so far. All of them, one less than the prompt has tokens, are there before
    /// the first generated token is.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Of the token at position <paramref name="index"/> + 1: nothing comes before the
    /// first.</summary>
    public PromptScore this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count);
            var (block, place) = (index / BlockTokens, index % BlockTokens);
            return new PromptScore(
                _logProbs[block]![place],
                _top[block].AsMemory(place * _topCount, _topCount));
        }
    }

    internal void Add(StepResults results, int sample)
    {
        var (block, place) = (_count / BlockTokens, _count % BlockTokens);
        var logProbs = _logProbs[block] ??= new float[BlockTokens];
        var top = _top[block] ??= new TokenLogProb[BlockTokens * _topCount];
        logProbs[place] = results.LogProbs[sample];
        results.CopyTop(sample, top.AsSpan(place * _topCount, _topCount));
        Volatile.Write(ref _count, _count + 1);
    }
}
