// Runs a step in virtual time, as the executor would: every lane takes its nano-ops in order, each
// as soon as what it needs has finished. A launch has work of its time alone; while others run
// beside it the work shrinks more slowly: by the slow-down that each of them causes, and, where
// together they ask for more units than there are, by that excess.
//
// Between two events all rates are constant, so time goes from event to event. The object keeps its
// buffers: the search runs it some hundred thousand times.

namespace NanoFlow.Planning.Simulation;

internal sealed class StepSimulation
{
    // No lane is more than RunAhead ticks ahead of another, so four ticks are alive at most.
    private const int Ring = 4;
    private const double Unfinished = double.PositiveInfinity;
    private const int Never = -1;

    private StepModel _model = null!;
    private int _tickCount;
    private int _layerCount;
    private int _runAhead;
    private bool _hasPrologue;
    private double _now;
    private double[] _finished = []; // [tick % Ring][nano-op]
    private int[] _finishedTick = []; // the same: of which tick that was
    private int[] _leftInTick = []; // by tick
    private double[] _tickEnds = []; // by tick
    private double[] _slowDowns = []; // [nano-op][other]; 0: not asked yet
    private readonly List<LaneState> _lanes = [];

    /// <summary>When the last nano-op of each layer finished; by layer.</summary>
    public ReadOnlySpan<double> LayerEnds => _tickEnds.AsSpan(1, _layerCount);

    /// <summary>Where a timeline is wanted, its spans; in order of their ends.</summary>
    public List<TimelineSpan>? Spans { get; set; }

    /// <summary>Runs prologue, layers and epilogue.</summary>
    /// <param name="stopAfterLayer">Ends the simulation when this layer is through; -1: at the end
    /// of the step.</param>
    /// <returns>Microseconds.</returns>
    /// <exception cref="InvalidOperationException">Nano-ops wait for each other in a
    /// circle.</exception>
    public double Run(StepModel model, int layerCount, int runAhead, int stopAfterLayer = -1)
    {
        Reset(model, layerCount, runAhead);
        var stopTick = stopAfterLayer < 0 ? -1 : stopAfterLayer + 1;
        while (true)
        {
            var next = StartReady();
            if (stopTick >= 0 && _tickEnds[stopTick] < Unfinished)
            {
                return _now;
            }
            SetRates();
            foreach (var lane in _lanes)
            {
                next = Math.Min(next, lane.End);
            }
            if (double.IsPositiveInfinity(next))
            {
                return _lanes.TrueForAll(lane => lane.Tick >= _tickCount)
                    ? _now
                    : throw new InvalidOperationException(
                        "The nano-ops of the plan wait for each other.");
            }
            Advance(next);
        }
    }

    private void Reset(StepModel model, int layerCount, int runAhead)
    {
        _model = model;
        _layerCount = layerCount;
        _runAhead = runAhead;
        _tickCount = layerCount + 2;
        _hasPrologue = model.CountIn(Segment.Prologue) > 0;
        _now = 0;
        Spans?.Clear();
        var count = model.Launches.Length;
        Grow(ref _finished, Ring * count);
        Grow(ref _finishedTick, Ring * count);
        _finishedTick.AsSpan(0, Ring * count).Fill(Never);
        Grow(ref _slowDowns, count * count);
        _slowDowns.AsSpan(0, count * count).Clear();
        Grow(ref _tickEnds, _tickCount);
        Grow(ref _leftInTick, _tickCount);
        for (var tick = 0; tick < _tickCount; tick++)
        {
            _leftInTick[tick] = model.CountIn(SegmentOf(tick));
            _tickEnds[tick] = _leftInTick[tick] == 0 ? 0 : Unfinished;
        }
        while (_lanes.Count > model.LaneCount)
        {
            _lanes.RemoveAt(_lanes.Count - 1);
        }
        while (_lanes.Count < model.LaneCount)
        {
            _lanes.Add(new LaneState());
        }
        foreach (var lane in _lanes)
        {
            lane.Clear();
        }
    }

    private static void Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length)
        {
            array = new T[length];
        }
    }

    private Segment SegmentOf(int tick) =>
        tick == 0 ? Segment.Prologue : tick <= _layerCount ? Segment.Layer : Segment.Epilogue;

    // Starts every nano-op that can; returns when the next one can start for a reason other than
    // the end of a running one.
    private double StartReady()
    {
        var next = double.PositiveInfinity;
        bool changed;
        do
        {
            changed = false;
            for (var index = 0; index < _lanes.Count; index++)
            {
                var lane = _lanes[index];
                if (lane.Running >= 0 || !SkipToWork(lane, index))
                {
                    continue;
                }
                var ready = ReadyAt(lane, index);
                if (ready > _now)
                {
                    next = Math.Min(next, ready);
                    continue;
                }
                Start(lane, index);
                changed |= lane.Running < 0; // it took no time
            }
        }
        while (changed);
        return next;
    }

    // False: the lane is through.
    private bool SkipToWork(LaneState lane, int index)
    {
        while (lane.Tick < _tickCount
            && lane.Position >= QueueOf(lane, index).Length)
        {
            lane.Tick++;
            lane.Position = 0;
        }
        return lane.Tick < _tickCount;
    }

    private int[] QueueOf(LaneState lane, int index) =>
        _model.Queues[(int)SegmentOf(lane.Tick)][index];

    // Infinity while something it needs has not finished.
    private double ReadyAt(LaneState lane, int index)
    {
        var nano = QueueOf(lane, index)[lane.Position];
        var needs = lane.Tick == 1 ? _model.FirstNeeds[nano] : _model.Needs[nano];
        var ready = lane.Arrived;
        foreach (var need in needs)
        {
            var tick = lane.Tick - need.TicksBack;
            if (tick == 0 && !_hasPrologue)
            {
                continue;
            }
            var slot = Slot(tick) + need.Source;
            var finished = _finishedTick[slot] == tick ? _finished[slot] : Unfinished;
            if (finished > lane.Arrived && _model.Lanes[need.Source] != index)
            {
                finished += _model.Costs.HandoffMicroseconds;
            }
            ready = Math.Max(ready, finished);
        }
        return lane.Position == 0 && lane.Tick >= _runAhead
            ? Math.Max(ready, _tickEnds[lane.Tick - _runAhead])
            : ready;
    }

    private int Slot(int tick) => tick % Ring * _model.Launches.Length;

    private void Start(LaneState lane, int index)
    {
        var nano = QueueOf(lane, index)[lane.Position];
        lane.Running = nano;
        lane.Begin = _now;
        lane.Left = _model.Times[nano];
        lane.Rate = 1;
        if (lane.Left <= 0)
        {
            Finish(lane, index);
        }
    }

    private void Finish(LaneState lane, int index)
    {
        Spans?.Add(new TimelineSpan(
            index, lane.Running, lane.Tick, lane.Arrived, lane.Begin, _now));
        var slot = Slot(lane.Tick) + lane.Running;
        _finished[slot] = _now;
        _finishedTick[slot] = lane.Tick;
        if (--_leftInTick[lane.Tick] == 0)
        {
            _tickEnds[lane.Tick] = _now;
        }
        lane.Running = -1;
        lane.Position++;
        lane.Arrived = _now;
    }

    // Microseconds that a microsecond of work takes, and when it ends at that rate.
    private void SetRates()
    {
        var units = 0;
        foreach (var lane in _lanes)
        {
            units += lane.Running >= 0 ? _model.Launches[lane.Running].Units : 0;
        }
        var excess = Math.Max(1, (double)units / _model.Costs.UnitCount);
        foreach (var lane in _lanes)
        {
            lane.End = double.PositiveInfinity;
            if (lane.Running < 0)
            {
                continue;
            }
            lane.Rate = excess;
            foreach (var other in _lanes)
            {
                if (other != lane && other.Running >= 0)
                {
                    lane.Rate *= SlowDown(lane.Running, other.Running);
                }
            }
            lane.End = _now + lane.Left * lane.Rate;
        }
    }

    private double SlowDown(int nano, int other)
    {
        ref var known = ref _slowDowns[nano * _model.Launches.Length + other];
        if (known == 0)
        {
            known = _model.Costs.SlowDown(_model.Launches[nano], _model.Launches[other]);
        }
        return known;
    }

    private void Advance(double next)
    {
        var elapsed = next - _now;
        _now = next;
        for (var index = 0; index < _lanes.Count; index++)
        {
            var lane = _lanes[index];

            // By its computed end, not by what is left: rounding may leave a little of it for ever.
            if (lane.End <= next)
            {
                Finish(lane, index);
            }
            else if (lane.Running >= 0)
            {
                lane.Left -= elapsed / lane.Rate;
            }
        }
    }

    private sealed class LaneState
    {
        public int Tick { get; set; }

        public int Position { get; set; }

        public int Running { get; set; }

        public double Arrived { get; set; }

        public double Begin { get; set; }

        public double Left { get; set; }

        public double Rate { get; set; }

        /// <summary>If nothing changes before; infinite while nothing runs.</summary>
        public double End { get; set; }

        public void Clear()
        {
            Tick = 0;
            Position = 0;
            Running = -1;
            Arrived = 0;
        }
    }
}
