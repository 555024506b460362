// What one seed stands for: the limits of a scheduler, how requests arrive, how long they are, when
// clients give up, and how late the device completes steps. Small numbers on purpose: pages, slots
// and rows must run out all the time.

using NanoFlow.Scheduling;

namespace NanoFlow.Scheduling.Tests;

internal enum CompletionMode
{
    LookAhead, // schedule n+1, then complete n: the loop of the engine
    OneStep,   // complete every step before the next is scheduled
    Random,    // schedule and complete in any order that is allowed
}

internal sealed class Workload
{
    private readonly Random _random;
    private readonly double _arrivalsPerTick;
    private readonly double _burstChance;
    private readonly bool _adversarialLengths;
    private readonly int _endTokens;
    private readonly bool _hasErrors;
    private readonly double _scoredShare;

    public Workload(int seed)
    {
        _random = new Random(seed);
        var sequences = _random.Next(1, 13);
        var pageTokens = 1 << _random.Next(0, 5);
        var positions = _random.Next(8, 97);
        var border = _random.Next(0, 3) == 0 ? 0 : _random.Next(1, positions + 1);
        var longest = (positions + pageTokens - 1) / pageTokens;
        Options = new SchedulerOptions
        {
            MaxSequences = sequences,
            MaxStepRows = sequences + _random.Next(0, 48),
            MaxPositions = positions,
            PageTokens = pageTokens,
            PageCount = longest + _random.Next(0, longest * 4),
            LongRopeAfter = border,
        };
        Mode = (CompletionMode)_random.Next(0, 3);
        CancelChance = _random.Next(0, 3) * 0.02;
        _arrivalsPerTick = 0.02 + _random.NextDouble() * 0.5;
        _burstChance = _random.Next(0, 2) * 0.02;
        _adversarialLengths = _random.Next(0, 2) == 0;
        _endTokens = _random.Next(0, 3);
        _hasErrors = _random.Next(0, 3) == 0;
        _scoredShare = _random.Next(0, 3) * 0.4;
    }

    public SchedulerOptions Options { get; }

    public CompletionMode Mode { get; }

    /// <summary>Chance that some client gives up at one of the three points of a tick.</summary>
    public double CancelChance { get; }

    public bool Chance(double probability) => _random.NextDouble() < probability;

    public int Choose(int count) => _random.Next(count);

    /// <summary>Poisson arrivals, now and then a burst.</summary>
    public int Arrivals()
    {
        if (Chance(_burstChance))
        {
            return _random.Next(1, 40);
        }
        var count = 0;
        for (var p = _random.NextDouble(); p > Math.Exp(-_arrivalsPerTick); count++)
        {
            p *= _random.NextDouble();
        }
        return count;
    }

    public SequenceSpec Next(int id)
    {
        var positions = Options.MaxPositions;
        var prompt = _random.Next(1, positions);
        var output = _random.Next(1, positions - prompt + 1);
        if (_adversarialLengths)
        {
            (prompt, output) = _random.Next(4) switch
            {
                0 => (positions - 1, 1),
                1 => (1, positions - 1),
                2 => (Math.Min(Options.PageTokens, positions - 1), 1),
                _ => (prompt, positions - prompt),
            };
        }
        output = _random.Next(8) == 0 ? 0 : output;
        var tokens = new int[prompt];
        for (var i = 0; i < prompt; i++)
        {
            tokens[i] = _random.Next(FakeModel.Vocab);
        }
        var stops = _random.Next(3) == 0;
        return new SequenceSpec
        {
            Id = id,
            Prompt = tokens,
            MaxNewTokens = output,
            MinNewTokens = _random.Next(4) == 0 ? _random.Next(0, output + 1) : 0,
            EndTokens = [.. Enumerable.Range(0, _endTokens)],
            StopPair = stops ? (_random.Next(FakeModel.Vocab), _random.Next(8)) : null,
            Seed = (ulong)_random.NextInt64(),
            HasErrors = _hasErrors,
            IsScored = _random.NextDouble() < _scoredShare,
            Pooling = _random.Next(8) == 0 ? (Pooling)_random.Next(1, 4) : Pooling.None,
            LongRopeAfter = Options.LongRopeAfter,
        };
    }
}

/// <summary>A request of the simulation.</summary>
internal sealed record SequenceSpec
{
    public required int Id { get; init; }
    public required int[] Prompt { get; init; }
    public required int MaxNewTokens { get; init; }
    public int MinNewTokens { get; init; }
    public int[] EndTokens { get; init; } = [];

    /// <summary>Stands for a stop string: a token, then one that is the second number mod
    /// 8.</summary>
    public (int First, int SecondMod8)? StopPair { get; init; }

    public ulong Seed { get; init; }
    public bool HasErrors { get; init; }

    public int LongRopeAfter { get; init; }

    /// <summary>Has a sequence of so many tokens the long rope?</summary>
    public bool IsLong(int tokens) => LongRopeAfter > 0 && tokens > LongRopeAfter;

    /// <summary>The tokens of the prompt are scored.</summary>
    public bool IsScored { get; init; }

    public Pooling Pooling { get; init; }
}
