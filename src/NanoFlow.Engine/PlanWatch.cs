// Is a plan still faster than the sequential one, here and now? The measurement that found it may
// have been taken on a machine at rest, and this one is shared, hot or throttled.
//
// The steps of a bucket run by the plan that is favoured. From time to time two steps in a row make
// a pair, one by the plan and one sequential, in alternating order so that what drifts cancels.
// Their times, each against what a step of its size is expected to take (StepTimeFit), give one
// vote: the plan was slower, faster, or neither by more than Margin. A vote is one whatever the
// times were, so a step that was interrupted counts like any other. The favourite changes only when
// the votes against it are a clear majority, and those count anew afterwards: that, and the margin
// on both sides, keeps two equal plans from taking turns.
//
// Fed with times, so it is a function of what it is told. One thread, no clock, no allocation.

using NanoFlow.Planning;
using NanoFlow.Scheduling;

namespace NanoFlow.Engine;

/// <summary>How a step of a bucket is run.</summary>
/// <param name="EndsPair">It is compared with the step of the bucket before it.</param>
internal readonly record struct WatchedStep(bool ByPlan, bool EndsPair);

/// <summary>What a completed step made of the favourite.</summary>
internal enum WatchOutcome
{
    Unchanged,
    FellBack,
    Returned,
}

internal sealed class PlanWatch
{
    /// <summary>Faster or slower by less is neither: not worth a change.</summary>
    public const double Margin = 0.02;

    /// <summary>Steps of the bucket from pair to pair: 1 in 32 is run by the other plan, so a plan
    /// twice as slow as it should be costs 3 % at most while it is not the favourite.</summary>
    public const int Period = 32;

    /// <summary>The same until the first Window votes are there: a plan that does not hold what the
    /// file says is found out in some 60 to 250 steps.</summary>
    public const int EagerPeriod = 4;

    /// <summary>Votes that count; older ones are forgotten.</summary>
    public const int Window = 64;

    /// <summary>Fewer decide nothing.</summary>
    public const int LeastVotes = 16;

    // Standard deviations of the votes of a plan whose median is just on the margin: half of them
    // are against it, give or take sqrt(n)/2. Three are exceeded by chance once in 700 times.
    private const double Sureness = 3;

    private readonly StepTimeFit _fit;
    private readonly sbyte[] _votes = new sbyte[Window]; // +1: the plan was slower, -1: faster
    private int _voteCount;      // since the favourite changed
    private int _slower;         // of the last Window votes
    private int _faster;
    private bool _isEager = true;
    private bool _inPair;
    private bool _planFirst = true;
    private int _untilPair = EagerPeriod;
    private Timed _lastByPlan;
    private Timed _lastSequential;

    /// <param name="mix">Of the bucket.</param>
    public PlanWatch(StepMix mix)
    {
        _fit = new StepTimeFit(mix);
    }

    /// <summary>Otherwise the sequential one is.</summary>
    public bool FavoursPlan { get; private set; } = true;

    /// <summary>How the next step of the bucket is run.</summary>
    public WatchedStep Next()
    {
        if (_inPair)
        {
            _inPair = false;
            return new WatchedStep(!_planFirst, EndsPair: true);
        }
        if (--_untilPair > 0)
        {
            return new WatchedStep(FavoursPlan, EndsPair: false);
        }
        _untilPair = (_isEager ? EagerPeriod : Period) - 1;
        _inPair = true;
        _planFirst = !_planFirst;
        return new WatchedStep(_planFirst, EndsPair: false);
    }

    /// <summary>Takes the time of a step; they complete in order.</summary>
    public WatchOutcome Complete(WatchedStep watched, in StepInfo step, long microseconds)
    {
        // Shorter than the device's clock can tell: it took something.
        var timed = new Timed(step, Math.Max(1, microseconds));
        _fit.Add(step, timed.Microseconds);
        if (watched.ByPlan)
        {
            _lastByPlan = timed;
        }
        else
        {
            _lastSequential = timed;
        }
        if (!watched.EndsPair)
        {
            return WatchOutcome.Unchanged;
        }
        Vote(Against(_lastByPlan) / Against(_lastSequential));
        return Decide();
    }

    // Time against what a step of the size should take, by one and the same fit for both.
    private double Against(in Timed timed) => timed.Microseconds / _fit.Expect(timed.Step);

    private void Vote(double ratio)
    {
        var vote = ratio > 1 + Margin ? 1 : ratio < 1 / (1 + Margin) ? -1 : 0;
        ref var place = ref _votes[_voteCount % Window];
        Count(place, -1);
        Count(vote, 1);
        place = (sbyte)vote;
        _voteCount++;
        _isEager &= _voteCount < Window;
    }

    private void Count(int vote, int by)
    {
        _slower += vote > 0 ? by : 0;
        _faster += vote < 0 ? by : 0;
    }

    // The votes against the favourite, tested against a median that lies on the margin.
    private WatchOutcome Decide()
    {
        var count = Math.Min(_voteCount, Window);
        var against = FavoursPlan ? _slower : _faster;
        if (count < LeastVotes || against < (count + Sureness * Math.Sqrt(count)) / 2)
        {
            return WatchOutcome.Unchanged;
        }
        FavoursPlan = !FavoursPlan;
        Array.Clear(_votes);
        _voteCount = 0;
        _slower = 0;
        _faster = 0;
        _isEager = false;
        return FavoursPlan ? WatchOutcome.Returned : WatchOutcome.FellBack;
    }

    private readonly record struct Timed(StepInfo Step, long Microseconds);
}
