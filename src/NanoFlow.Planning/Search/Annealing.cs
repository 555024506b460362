// Second stage of the search: one draft, changed a little again and again. A change that shortens
// the simulated period stays, one that lengthens it stays with a chance that falls with time. The
// simulation knows shares, slow-downs and contention, so cuts, order, lanes and shares are refined
// together.

using NanoFlow.Planning.Simulation;

namespace NanoFlow.Planning.Search;

internal sealed class Annealing
{
    // Layers simulated for a period: from the end of the first to the end of the second. Those
    // before fill the lanes, and one more runs beside the last.
    private const int FirstLayer = 2;
    private const int LastLayer = 6;

    // Longer periods by this share are accepted half of the time at the start and at the end.
    private const double WarmShare = 0.03;
    private const double ColdShare = 0.0003;

    private readonly SearchSpace _space;
    private readonly Random _random;
    private readonly StepSimulation _simulation = new();
    private LayerDraft _current;
    private double _period;

    public Annealing(SearchSpace space, LayerDraft draft, int seed)
    {
        _space = space;
        _random = new Random(seed);
        _current = draft;
        _period = Evaluate(draft);
        Best = draft;
        BestPeriod = _period;
    }

    public LayerDraft Best { get; private set; }

    /// <summary>Microseconds.</summary>
    public double BestPeriod { get; private set; }

    public double Evaluate(LayerDraft draft)
    {
        _simulation.Run(
            draft.ToModel(_space), LastLayer + 2, _space.Graph.RunAhead, stopAfterLayer: LastLayer);
        var ends = _simulation.LayerEnds;
        return (ends[LastLayer] - ends[FirstLayer]) / (LastLayer - FirstLayer);
    }

    /// <param name="count">Drafts to try.</param>
    /// <param name="progress">Of the whole search, 0 to 1: how cold it is.</param>
    public void Run(int count, double progress)
    {
        var share = WarmShare * Math.Pow(ColdShare / WarmShare, progress);
        for (var i = 0; i < count; i++)
        {
            var next = _current.Copy();
            if (!Change(next) || next.LaneCount < _space.Options.LeastLanes)
            {
                continue;
            }
            var period = Evaluate(next);
            var worse = (period - _period) / _period;
            if (worse > 0 && _random.NextDouble() >= Math.Pow(0.5, worse / share))
            {
                continue;
            }
            (_current, _period) = (next, period);
            if (period < BestPeriod)
            {
                (Best, BestPeriod) = (next, period);
            }
        }
    }

    /// <summary>Goes back to the best draft.</summary>
    public void Restart() => (_current, _period) = (Best, BestPeriod);

    // False: nothing was changed.
    private bool Change(LayerDraft draft) => _random.Next(12) switch
    {
        0 or 1 or 2 => ChangeUnits(draft, _random.Next(draft.Count), ofAll: false),
        3 => ChangeUnits(draft, _random.Next(draft.Count), ofAll: true),
        4 or 5 or 6 or 7 => Move(draft),
        8 => ChangeLane(draft, ofAll: false),
        9 => ChangeLane(draft, ofAll: true),
        10 => ToggleCut(draft),
        _ => ShiftCuts(draft),
    };

    private bool ChangeUnits(LayerDraft draft, int nano, bool ofAll)
    {
        var choices = _space.Costs.UnitChoices;
        var units = choices[_random.Next(choices.Count)];
        if (!_space.LanesShareUnits)
        {
            return ChangeWidth(draft, draft.Lanes[nano], units);
        }
        if (units == draft.Units[nano])
        {
            return false;
        }
        var op = draft.Shape.Pieces[nano].Op;
        for (var i = 0; i < draft.Count; i++)
        {
            if (i == nano || (ofAll && draft.Shape.Pieces[i].Op == op))
            {
                draft.Units[i] = units;
            }
        }
        return true;
    }

    private bool ChangeWidth(LayerDraft draft, int lane, int units)
    {
        var before = draft.Widths[lane];
        draft.Widths[lane] = units;
        draft.FitUnits(_space);
        return draft.Widths[lane] != before;
    }

    // To beside another nano-op in the order.
    private bool Move(LayerDraft draft)
    {
        var nano = _random.Next(draft.Count);
        var other = _random.Next(draft.Count);
        if (nano == other)
        {
            return false;
        }
        draft.Keys[nano] = draft.Keys[other] + (_random.NextDouble() - 0.5) * 1e-2;
        return true;
    }

    private bool ChangeLane(LayerDraft draft, bool ofAll)
    {
        var nano = _random.Next(draft.Count);
        var lane = _random.Next(_space.LaneLimit);
        if (lane == draft.Lanes[nano])
        {
            return false;
        }
        var op = draft.Shape.Pieces[nano].Op;
        for (var i = 0; i < draft.Count; i++)
        {
            if (i == nano || (ofAll && draft.Shape.Pieces[i].Op == op))
            {
                draft.Lanes[i] = lane;
            }
        }
        draft.FitUnits(_space);
        return true;
    }

    private bool ToggleCut(LayerDraft draft)
    {
        if (_space.Boundaries.Count == 0)
        {
            return false;
        }
        var op = _random.Next(_space.Ops.Count);
        var cuts = draft.Cuts[op] ^ (1u << _random.Next(_space.Boundaries.Count));
        return Recut(draft, op, cuts);
    }

    // One boundary becomes another, in all ops that are cut there.
    private bool ShiftCuts(LayerDraft draft)
    {
        if (_space.Boundaries.Count < 2)
        {
            return false;
        }
        var from = _random.Next(_space.Boundaries.Count);
        var to = _random.Next(_space.Boundaries.Count);
        var changed = false;
        for (var op = 0; op < _space.Ops.Count && from != to; op++)
        {
            var cuts = draft.Cuts[op];
            var both = 1u << from | 1u << to;
            changed |= (cuts & both) == 1u << from && Recut(draft, op, cuts ^ both);
        }
        return changed;
    }

    private bool Recut(LayerDraft draft, int op, uint cuts)
    {
        var more = System.Numerics.BitOperations.PopCount(cuts)
            - System.Numerics.BitOperations.PopCount(draft.Cuts[op]);
        if (draft.Count + more > _space.Options.MaxNanoOps)
        {
            return false;
        }
        draft.Recut(_space, op, cuts);
        return true;
    }
}
