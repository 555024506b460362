// The step writer of the simulation. It trusts nothing: every part of a step is checked against
// what the steps before left on the device, then recorded for the fake device to execute later.

using NanoFlow.Scheduling;

namespace NanoFlow.Scheduling.Tests;

/// <summary>One part as it was written, copied.</summary>
internal sealed record WrittenPart(
    SimulatedClient Client, SequencePart Part, int[] Pages, int[] Tokens);

internal sealed class StepChecker : IStepWriter
{
    private readonly SchedulerOptions _options;
    private readonly Dictionary<Sequence, SimulatedClient> _clients;
    private readonly (SimulatedClient? Client, long Step)[] _pageUsers;
    private readonly (SimulatedClient? Client, long Step)[] _slotUsers;
    private List<WrittenPart> _parts = [];
    private long _step;

    public StepChecker(
        SchedulerOptions options, Dictionary<Sequence, SimulatedClient> clients)
    {
        _options = options;
        _clients = clients;
        _pageUsers = new (SimulatedClient?, long)[options.PageCount];
        _slotUsers = new (SimulatedClient?, long)[options.MaxSequences];
    }

    /// <summary>Steps that the device has completed.</summary>
    public long Completed { get; set; }

    /// <summary>Whose rows the step has, for the check of progress.</summary>
    public HashSet<SimulatedClient> InStep { get; } = [];

    public void Begin(long step)
    {
        _step = step;
        _parts = [];
        InStep.Clear();
    }

    public void Add(
        Sequence sequence,
        SequencePart part,
        ReadOnlySpan<int> pages,
        ReadOnlySpan<int> tokens)
    {
        var client = _clients[sequence];
        Violation.If(!InStep.Add(client), "a sequence twice in a step");
        Violation.If(client.IsFinished, "rows for a finished sequence");
        Violation.If(part.RowCount < 1 || tokens.Length != part.RowCount, "row count");
        Violation.If(
            part.IsDecode && (part.RowCount != 1 || _parts.Exists(p => !p.Part.IsDecode)),
            "decode rows come first, one each");
        CheckSlot(client, part);
        CheckPages(client, part, pages);
        CheckTokens(client, part, tokens);
        CheckScores(client, part);
        client.Slot = part.Slot;
        client.Pages = pages.ToArray();
        client.Computed = part.Position + part.RowCount;
        client.LastStep = _step;
        client.Sampled += part.Samples ? 1 : 0;
        client.HasLongRope = part.HasLongRope;
        _parts.Add(new WrittenPart(client, part, client.Pages, tokens.ToArray()));
    }

    public List<WrittenPart> End(StepInfo info)
    {
        Violation.If(info.Number != _step, "step number");
        Violation.If(info.RowCount > _options.MaxStepRows, "too many rows");
        Violation.If(info.RowCount != _parts.Sum(p => p.Part.RowCount), "rows miscounted");
        Violation.If(info.SequenceCount != _parts.Count, "sequences miscounted");
        Violation.If(info.DecodeCount != _parts.Count(p => p.Part.IsDecode), "decode miscounted");
        Violation.If(info.PageCount != _parts.Sum(p => p.Pages.Length), "pages miscounted");
        var samples = _parts.Sum(p => p.Part.SampleCount);
        Violation.If(info.SampleCount != samples, "samples miscounted");
        Violation.If(samples > _options.MaxSequences, "too many samples");
        Violation.If(info.ScoreCount != _parts.Sum(p => p.Part.Scores), "scores miscounted");
        CheckContext(info);
        return _parts;
    }

    // Row by row, as the device would count.
    private void CheckContext(StepInfo info)
    {
        var attended = 0L;
        var reached = 0L;
        foreach (var part in _parts.Select(p => p.Part))
        {
            for (var row = 0; row < part.RowCount; row++)
            {
                attended += part.Position + row + 1;
                reached += part.Position + part.RowCount;
            }
        }
        Violation.If(info.AttendedTokens != attended, "attended tokens miscounted");
        Violation.If(info.ReachedTokens != reached, "reached tokens miscounted");
    }

    private void CheckSlot(SimulatedClient client, SequencePart part)
    {
        ref var user = ref _slotUsers[part.Slot];
        var isOther = user.Client != client;
        Violation.If(isOther && user.Step > Completed, "slot reused while in flight");
        Violation.If(
            isOther && user.Client is { } other && Holds(other) && other.Slot == part.Slot,
            "slot has two owners");
        if (part.ResetsSlot)
        {
            Violation.If(client.Sampled > client.Sequence.NewTokenCount, "admitted too early");
            client.Computed = 0;
            client.Pages = [];
        }
        else
        {
            Violation.If(isOther || client.Slot != part.Slot, "slot taken without a reset");
        }
        user = (client, _step);
    }

    private void CheckPages(SimulatedClient client, SequencePart part, ReadOnlySpan<int> pages)
    {
        var tokens = part.Position + part.RowCount;
        Violation.If(tokens > _options.MaxPositions, "position beyond the limit");
        Violation.If(
            pages.Length != (tokens + _options.PageTokens - 1) / _options.PageTokens,
            "page table of the wrong length");
        Violation.If(!pages.StartsWith(client.Pages), "page table changed");
        foreach (var page in pages)
        {
            ref var user = ref _pageUsers[page];
            if (user.Client is { } other && other != client)
            {
                Violation.If(user.Step > Completed, "page reused while in flight");
                Violation.If(Holds(other) && other.Pages.Contains(page), "page has two owners");
            }
            user = (client, _step);
        }
    }

    private static void CheckTokens(
        SimulatedClient client, SequencePart part, ReadOnlySpan<int> tokens)
    {
        var known = client.Sequence.TokenCount;
        var existing = client.Spec.Prompt.Length + client.Sampled;
        Violation.If(part.Position != client.Computed, "position");
        Violation.If(part.HasLongRope != client.Spec.IsLong(existing), "rope of another length");
        var end = part.Position + part.RowCount;
        Violation.If(end > existing, "rows for tokens that do not exist");
        Violation.If(part.Samples != (end == existing), "samples at the wrong row");
        for (var row = 0; row < tokens.Length; row++)
        {
            var position = part.Position + row;
            // Only the token sampled last is in the slot, and only while it is not known.
            var expected = position < known ? client.Sequence.Tokens[position] : -1;
            Violation.If(tokens[row] != expected, "token of a row");
            Violation.If(expected == -1 && position != existing - 1, "token not in the slot");
        }
    }

    // Scores come once each, in order; a part that scores has a sample after every row.
    private static void CheckScores(SimulatedClient client, SequencePart part)
    {
        Violation.If(part.Scores > 0 && part.SampleCount != part.RowCount, "rows without a sample");
        Violation.If(part.Scores > 0 && part.Position != client.Scored, "scored out of order");
        client.Scored += part.Scores;
        var due = client.Spec.IsScored ? client.Spec.Prompt.Length - 1 : 0;
        var end = part.Position + part.RowCount;
        Violation.If(client.Scored > due, "scored past the prompt");
        Violation.If(client.Scored < Math.Min(due, end), "a prompt row was left unscored");
    }

    // One that was admitted again in this step has no part yet; what it held before is gone.
    private static bool Holds(SimulatedClient client) =>
        client.Sequence.State == SequenceState.Running && client.Sequence.LastStep > 0;
}
