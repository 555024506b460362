// Continuous batching: decides before every step which sequences get rows, and takes the results.
//
// A step holds one row of every sequence that decodes, then prefill chunks until MaxStepRows, both
// in order of arrival. Step n+1 is scheduled before the tokens of step n are known: the row of a
// token still in flight carries -1 and the device puts in what it sampled. So at most one row of a
// sequence turns out to lie past its end; that result is dropped and counted.
//
// Sequences are admitted in order of arrival and preempted from the latest back, hence every
// running one has arrived before every waiting one: nobody is overtaken. A preempted sequence gives
// up all its pages and is later computed again from its prompt and output; tokens depend on seed
// and position only, so it goes on as if nothing had happened.
//
// A sequence that wants its prompt scored has a sample after every prompt row, and a step has at
// most MaxSequences samples. Its chunks are cut to what the others leave: every running sequence
// keeps a sample, and so does the next newcomer, so that nobody waits for scores of somebody else.
//
// Some models rotate all positions of a long sequence in another way (SchedulerOptions.
// LongRopeAfter). A sequence that grows past the border starts again: it keeps its place and its
// slot, gives up its pages and computes all its tokens once more.
//
// One thread, no clock, no allocation after construction. Listeners must not call back.

namespace NanoFlow.Scheduling;

public sealed class Scheduler
{
    /// <summary>Steps that may be submitted and not completed.</summary>
    public const int MaxStepsInFlight = StepsInFlight.Limit;

    private readonly SchedulerOptions _options;
    private readonly StepsInFlight _steps;
    private readonly Admission _admission;
    private readonly Sequence[] _running; // in order of arrival
    private readonly Invariants _invariants;
    private long _arrivals;
    private int _freeRows;      // of the step being scheduled
    private int _freeSamples;   // of that step, beside one for every running sequence
    private int _awaitedPages;  // quarantined pages that a sequence without a row waits for
    private bool _isShort;      // some running sequence did not get a page

    public Scheduler(SchedulerOptions options)
    {
        options.Validate();
        _options = options;
        _steps = new StepsInFlight(options.MaxSequences);
        _admission = new Admission(options);
        _running = new Sequence[options.MaxSequences];
        Memory = new SequenceMemory(options);
        _invariants = new Invariants(this);
    }

    public int RunningCount { get; private set; }

    public int WaitingCount => Waiting.Count;

    public int StepsInFlightCount => _steps.Count;

    /// <summary>Nothing runs, waits or is in flight.</summary>
    public bool IsIdle => RunningCount == 0 && WaitingCount == 0 && _steps.Count == 0;

    public int FreePages => Memory.Pages.FreeCount;

    /// <summary>Held by sequences, or named by a step in flight.</summary>
    public int UsedPages => Memory.Pages.Count - FreePages;

    public long PreemptionCount { get; private set; }

    /// <summary>Tokens computed past a stop and dropped; at most one a sequence.</summary>
    public long WastedTokens { get; private set; }

    internal SequenceMemory Memory { get; }

    internal SequenceQueue Waiting { get; } = new();

    internal SchedulerOptions Options => _options;

    internal ReadOnlySpan<Sequence> Running => _running.AsSpan(0, RunningCount);

    /// <exception cref="ArgumentException">Longer than MaxPositions, or enqueued
    /// before.</exception>
    public void Enqueue(Sequence sequence)
    {
        var tokens = (long)sequence.PromptLength + sequence.MaxNewTokens;
        if (tokens > _options.MaxPositions)
        {
            throw new ArgumentException(
                $"Prompt and output are {tokens} tokens; the limit is {_options.MaxPositions}.");
        }
        if (sequence.State != SequenceState.Created)
        {
            throw new ArgumentException($"The sequence is {sequence.State}, not new.");
        }
        sequence.Arrival = ++_arrivals;
        sequence.State = SequenceState.Waiting;
        Waiting.PushBack(sequence);
    }

    /// <summary>Ends a sequence at once, whatever it is doing; does nothing once it has
    /// finished.</summary>
    public void Cancel(Sequence sequence) => Finish(sequence, FinishReason.Cancelled);

    /// <summary>Like Cancel, when the reason lies on this side.</summary>
    public void Fail(Sequence sequence) => Finish(sequence, FinishReason.Error);

    /// <summary>Ends every sequence, running and waiting: the device is lost, or the time to drain
    /// is over.</summary>
    public void FinishAll(FinishReason reason)
    {
        while (RunningCount > 0)
        {
            Finish(_running[RunningCount - 1], reason);
        }
        while (Waiting.Head is { } head)
        {
            Finish(head, reason);
        }
    }

    /// <summary>Forms the next step and writes it. False: nothing can be done before the steps in
    /// flight complete or a sequence arrives.</summary>
    public bool TrySchedule(IStepWriter writer, out StepInfo step)
    {
        step = default;
        if (_steps.Count == MaxStepsInFlight)
        {
            return false;
        }
        PlanRunning();
        AdmitWaiting();
        var planned = false;
        foreach (var sequence in Running)
        {
            planned |= sequence.PlannedRows > 0;
        }
        if (!planned)
        {
            return false;
        }
        step = WriteStep(writer);
        return true;
    }

    /// <summary>Takes the results of the oldest step in flight.</summary>
    /// <param name="step">Its number.</param>
    /// <param name="tokens">One token a sample, in the order of the step; negative: none.</param>
    public void Complete(long step, ReadOnlySpan<int> tokens)
    {
        var owners = _steps.Complete(step, tokens.Length);
        Memory.StepCompleted(step);
        for (var sample = 0; sample < owners.Length; sample++)
        {
            if (owners[sample].IsScore)
            {
                CommitScore(owners[sample].Sequence, tokens[sample], sample);
            }
            else
            {
                Commit(owners[sample], tokens[sample], sample);
            }
        }
        _steps.Forget(step);
    }

    /// <summary>Checks that nothing is lost, shared or out of order. O(pages).</summary>
    /// <exception cref="InvalidOperationException">With what is wrong.</exception>
    public void CheckInvariants() => _invariants.Check();

    /// <summary>Checks that an idle scheduler holds nothing. O(1).</summary>
    /// <exception cref="InvalidOperationException">With what is wrong.</exception>
    public void CheckIdle() => _invariants.CheckIdle();

    // Rows and pages for what runs already. A victim of preemption arrived later than the one it
    // makes room for, so it is never part of the step yet.
    private void PlanRunning()
    {
        _awaitedPages = 0;
        _isShort = false;
        _freeRows = _options.MaxStepRows;
        _freeSamples = _options.MaxSequences - RunningCount;
        foreach (var sequence in Running)
        {
            sequence.PlannedRows = 0;
            if (OutgrowsRope(sequence) && sequence.Pending == 0)
            {
                StartAgain(sequence);
            }
            _freeRows -= ReservedRows(sequence);
        }
        for (var i = 0; i < RunningCount; i++)
        {
            var sequence = _running[i];
            var rows = sequence.IsDecoding ? ReservedRows(sequence) : ChunkRows(sequence);
            if (rows > 0)
            {
                Plan(i, rows);
            }
        }
    }

    // Scores that were delivered before a preemption are not computed again: those rows are a
    // chunk of their own.
    private int ChunkRows(Sequence sequence)
    {
        var rows = Math.Min(sequence.RowsLeft, _freeRows);
        if (sequence.ScoresNext)
        {
            var unclaimed = Math.Max(0, _freeSamples - (Waiting.Head is null ? 0 : 1));
            return Math.Min(rows, 1 + unclaimed);
        }
        return sequence.ScoredCount < sequence.ScoreEnd
            ? Math.Min(rows, sequence.ScoredCount - sequence.Computed)
            : rows;
    }

    private void TakeChunk(Sequence sequence, int rows)
    {
        sequence.PlannedRows = rows;
        _freeRows -= rows;
        _freeSamples -= sequence.ScoresNext && rows > 0 ? rows - 1 : 0;
    }

    // Rows of a step that no prefill may take. One that outgrows its rope gets none before the
    // token in flight is known: it starts again with all its tokens.
    private int ReservedRows(Sequence sequence) =>
        sequence.IsDecoding && sequence.RowsLeft > 0 && !OutgrowsRope(sequence) ? 1 : 0;

    // Is its next row beyond the positions that what its pages hold is good for?
    private bool OutgrowsRope(Sequence sequence) =>
        !sequence.HasLongRope && sequence.RowsLeft > 0 && IsLong(sequence.Computed + 1);

    private bool IsLong(int tokens) =>
        _options.LongRopeAfter > 0 && tokens > _options.LongRopeAfter;

    private void StartAgain(Sequence sequence)
    {
        Memory.ReleasePages(sequence);
        sequence.Computed = 0;
        Start(sequence);
    }

    private void Start(Sequence sequence)
    {
        sequence.PrefillEnd = sequence.TokenCount;
        sequence.HasLongRope = IsLong(sequence.TokenCount);
        sequence.ResetsSlot = true;
    }

    private void Plan(int index, int rows)
    {
        var sequence = _running[index];
        var covered = Memory.Cover(sequence, rows);
        while (covered == 0 && TryMakeRoom(index))
        {
            covered = Memory.Cover(sequence, rows);
        }
        _isShort |= covered < rows;
        if (sequence.IsDecoding)
        {
            sequence.PlannedRows = covered; // its row was set aside
        }
        else
        {
            TakeChunk(sequence, covered);
        }
    }

    // True: a page is free now. False: the sequence gets no row in this step, because pages come
    // back when a step in flight completes, or because it is the latest and those before it will
    // end or claim its pages.
    private bool TryMakeRoom(int index)
    {
        while (Memory.Pages.FreeCount == 0)
        {
            if (Memory.Pages.QuarantinedCount > _awaitedPages)
            {
                _awaitedPages++;
                return false;
            }
            if (index < RunningCount - 1)
            {
                PreemptLatest();
                continue;
            }
            if (index > 0)
            {
                return false;
            }
            throw new InvalidOperationException(
                "The only running sequence cannot get a KV page: pages were lost.");
        }
        return true;
    }

    private void PreemptLatest()
    {
        var victim = _running[RunningCount - 1];
        _freeRows += ReservedRows(victim);
        _freeSamples++;
        LeaveRunning(victim);
        victim.State = SequenceState.Waiting;
        victim.Computed = 0;
        Waiting.PushFront(victim);
        PreemptionCount++;
    }

    private void AdmitWaiting()
    {
        if (_isShort || Waiting.Head is null)
        {
            return;
        }
        _admission.Begin(Running);
        while (Waiting.Head is { } head && CanAdmit(head))
        {
            Waiting.Remove(head);
            head.State = SequenceState.Running;
            Memory.TakeSlot(head);
            Start(head);
            _running[RunningCount++] = head;
            _freeSamples--;
            TakeChunk(head, Memory.Cover(head, ChunkRows(head)));
            head.Listener?.OnAdmitted(head);
        }
    }

    // One that was preempted with a token or scores in flight waits for them: it is computed again
    // from all its tokens, and scored from where it was. One that is alone fits, by the check in
    // Validate.
    private bool CanAdmit(Sequence head) =>
        head.Pending == 0
        && head.PendingScores == 0
        && _freeRows > 0
        && _freeSamples > 0
        && Memory.Slots.FreeCount > 0
        && Memory.Pages.FreeCount > 0
        && _admission.TryAdd(head, RunningCount == 0);

    private StepInfo WriteStep(IStepWriter writer)
    {
        var number = _steps.Submit();
        var totals = new StepTotals();
        foreach (var sequence in Running)
        {
            if (sequence.PlannedRows > 0 && sequence.IsDecoding)
            {
                WritePart(writer, sequence, isDecode: true, ref totals);
            }
        }
        foreach (var sequence in Running)
        {
            // A chunk that was just written may have finished its prefill: LastStep tells.
            if (sequence.PlannedRows > 0 && sequence.LastStep != number)
            {
                WritePart(writer, sequence, isDecode: false, ref totals);
            }
        }
        return totals.Info(number);
    }

    private void WritePart(
        IStepWriter writer, Sequence sequence, bool isDecode, ref StepTotals totals)
    {
        ReadOnlySpan<int> inFlight = [-1];
        var position = sequence.Computed;
        var rows = sequence.PlannedRows;
        var samples = position + rows == sequence.TokenCount + sequence.Pending;
        var scores = sequence.ScoresNext ? Math.Min(rows, sequence.ScoreEnd - position) : 0;
        var part = new SequencePart(
            sequence.Slot,
            position,
            rows,
            isDecode,
            samples,
            scores,
            sequence.ResetsSlot,
            sequence.HasLongRope);
        var pages = Memory.PageTable(sequence, position + rows);
        var tokens = position < sequence.TokenCount
            ? sequence.Tokens.Slice(position, rows)
            : inFlight;
        writer.Add(sequence, part, pages, tokens);

        sequence.ResetsSlot = false;
        sequence.Computed += rows;
        sequence.LastStep = _steps.LastSubmitted;
        sequence.PendingScores += scores;
        for (var i = 0; i < scores; i++)
        {
            _steps.AddSample(new StepSample(sequence, sequence.Slot, IsScore: true));
        }
        if (samples)
        {
            sequence.Pending++;
            _steps.AddSample(new StepSample(sequence, sequence.Slot, IsScore: false));
        }
        totals.Add(part, pages.Length);
    }

    private void CommitScore(Sequence sequence, int token, int sample)
    {
        sequence.PendingScores--;
        if (sequence.State == SequenceState.Finished)
        {
            return;
        }
        if (token < 0)
        {
            Finish(sequence, FinishReason.Error);
            return;
        }
        sequence.ScoredCount++;
        sequence.Listener?.OnPromptScore(sequence, sample);
    }

    private void Commit(in StepSample owner, int token, int sample)
    {
        var sequence = owner.Sequence;
        sequence.Pending--;
        if (sequence.State == SequenceState.Finished)
        {
            WastedTokens += sequence.FinishReason == FinishReason.Stop ? 1 : 0;
            return;
        }
        if (token < 0)
        {
            Finish(sequence, FinishReason.Error);
            return;
        }
        if (sequence.Pooling != Pooling.None && sequence.NewTokenCount == 0)
        {
            sequence.Listener?.OnPooled(sequence, owner.Slot);
        }
        if (sequence.MaxNewTokens == 0)
        {
            Finish(sequence, FinishReason.Length);
            return;
        }
        var isEnd = sequence.IsEndToken(token);
        var stops = isEnd || (sequence.StopCondition?.Append(token) ?? false);
        sequence.Append(token);
        sequence.Constraint?.Append(token);
        sequence.Listener?.OnToken(sequence, token, sample, isEnd);
        if (stops || sequence.NewTokenCount == sequence.MaxNewTokens)
        {
            _admission.Learn(sequence.NewTokenCount);
            Finish(sequence, stops ? FinishReason.Stop : FinishReason.Length);
        }
    }

    private void Finish(Sequence sequence, FinishReason reason)
    {
        switch (sequence.State)
        {
            case SequenceState.Finished:
                return;
            case SequenceState.Waiting:
                Waiting.Remove(sequence);
                break;
            case SequenceState.Running:
                LeaveRunning(sequence);
                break;
        }
        sequence.State = SequenceState.Finished;
        sequence.FinishReason = reason;
        sequence.Listener?.OnFinished(sequence, reason);
    }

    private void LeaveRunning(Sequence sequence)
    {
        Memory.Release(sequence);
        var index = Array.IndexOf(_running, sequence, 0, RunningCount);
        RunningCount--;
        Array.Copy(_running, index + 1, _running, index, RunningCount - index);
        _running[RunningCount] = null!;
    }
}
