// A model whose next token depends on everything that a real one's depends on: every token and
// position that is read from the KV pages, how it was rotated, the penalty counts of the slot, and
// the seed. A wrong page, a wrong position, a row of a long sequence that was computed while it was
// short, or a count that was not reset changes the answer.

using NanoFlow.Scheduling;

namespace NanoFlow.Scheduling.Tests;

internal static class FakeModel
{
    public const int Vocab = 60;

    // One token in so many is an error of the device, where a workload has errors.
    private const int ErrorOneIn = 400;

    /// <summary>What one row leaves in its KV page.</summary>
    public static ulong Row(int position, int token, bool hasLongRope) =>
        Mix((hasLongRope ? 1UL << 63 : 0) | ((ulong)(uint)position << 32) | (uint)token);

    /// <summary>Draws a token from the sum of all rows before it.</summary>
    public static int Sample(ulong seed, ulong rows, int penaltyCount, bool hasErrors)
    {
        var hash = Mix(seed ^ Mix(rows + (ulong)penaltyCount * 977));
        return hasErrors && hash / Vocab % ErrorOneIn == 0 ? -1 : (int)(hash % Vocab);
    }

    /// <summary>The score of the token that follows all these rows.</summary>
    public static int Score(ulong rows) => (int)(Mix(rows ^ 0x5c0e) % 1_000_000);

    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
        x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
        return x ^ (x >> 31);
    }
}

/// <summary>Stands for the matcher of stop strings.</summary>
internal sealed class PairStop((int First, int SecondMod8) pair) : IStopCondition
{
    private int _previous = -1;

    public bool Append(int token)
    {
        var matches = _previous == pair.First && token % 8 == pair.SecondMod8;
        _previous = token;
        return matches;
    }
}

/// <summary>What a sequence must become when nobody cancels it: generated alone, from a plain list
/// of its tokens, without pages, slots or steps.</summary>
internal sealed record Expected(List<int> Scores, List<int> Tokens, FinishReason Reason)
{
    public static Expected Of(SequenceSpec spec)
    {
        var tokens = new List<int>();
        var scores = new List<int>();
        var stop = spec.StopPair is { } pair ? new PairStop(pair) : null;
        var (shortRows, longRows) = (0UL, 0UL);
        void Add(int position, int token)
        {
            shortRows += FakeModel.Row(position, token, hasLongRope: false);
            longRows += FakeModel.Row(position, token, hasLongRope: true);
        }
        for (var i = 0; i < spec.Prompt.Length; i++)
        {
            Add(i, spec.Prompt[i]);
            if (spec.IsScored && i + 1 < spec.Prompt.Length)
            {
                var isLong = spec.IsLong(spec.Prompt.Length);
                scores.Add(FakeModel.Score(isLong ? longRows : shortRows));
            }
        }
        while (true)
        {
            var rows = spec.IsLong(spec.Prompt.Length + tokens.Count) ? longRows : shortRows;
            var token = FakeModel.Sample(spec.Seed, rows, tokens.Count, spec.HasErrors);
            if (token < 0)
            {
                return new Expected(scores, tokens, FinishReason.Error);
            }
            if (spec.MaxNewTokens == 0)
            {
                return new Expected(scores, tokens, FinishReason.Length);
            }
            var isEnd = tokens.Count >= spec.MinNewTokens && spec.EndTokens.Contains(token);
            var stops = isEnd || (stop?.Append(token) ?? false);
            Add(spec.Prompt.Length + tokens.Count, token);
            tokens.Add(token);
            if (stops || tokens.Count == spec.MaxNewTokens)
            {
                var reason = stops ? FinishReason.Stop : FinishReason.Length;
                return new Expected(scores, tokens, reason);
            }
        }
    }
}
