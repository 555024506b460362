using NanoFlow.Scheduling;

namespace NanoFlow.Scheduling.Tests;

/// <summary>Executes recorded steps in order, when told to: fills KV pages row by row and samples
/// from what the page tables lead to.</summary>
internal sealed class FakeDevice(SchedulerOptions options)
{
    private readonly ulong[] _kv = new ulong[options.PageCount * options.PageTokens];
    private readonly int[] _lastTokens = new int[options.MaxSequences];
    private readonly int[] _penaltyCounts = new int[options.MaxSequences];
    private readonly Queue<(long Step, List<WrittenPart> Parts)> _submitted = new();

    public int InFlight => _submitted.Count;

    public void Submit(long step, List<WrittenPart> parts) => _submitted.Enqueue((step, parts));

    /// <summary>Runs the oldest step.</summary>
    public (long Step, int[] Tokens) Execute()
    {
        var (step, parts) = _submitted.Dequeue();
        var tokens = new List<int>();
        foreach (var part in parts)
        {
            Run(part);
            for (var row = 0; row < part.Part.Scores; row++)
            {
                tokens.Add(Score(part, part.Part.Position + row + 1));
            }
            if (part.Part.Samples)
            {
                var token = Sample(part);
                _lastTokens[part.Part.Slot] = token;
                tokens.Add(token);
            }
        }
        return (step, tokens.ToArray());
    }

    private void Run(WrittenPart written)
    {
        var slot = written.Part.Slot;
        if (written.Part.ResetsSlot)
        {
            _penaltyCounts[slot] = 0;
        }
        for (var row = 0; row < written.Part.RowCount; row++)
        {
            var token = written.Tokens[row] < 0 ? _lastTokens[slot] : written.Tokens[row];
            var position = written.Part.Position + row;
            _kv[Place(written.Pages, position)] = FakeModel.Row(
                position, token, written.Part.HasLongRope);
            _penaltyCounts[slot] += position >= written.Client.Spec.Prompt.Length ? 1 : 0;
        }
    }

    private int Sample(WrittenPart written)
    {
        var rows = Rows(written, written.Part.Position + written.Part.RowCount);
        var spec = written.Client.Spec;
        return FakeModel.Sample(
            spec.Seed, rows, _penaltyCounts[written.Part.Slot], spec.HasErrors);
    }

    // What the prefix that the pages hold says of the token after it; never negative.
    private int Score(WrittenPart written, int length) =>
        FakeModel.Score(Rows(written, length));

    private ulong Rows(WrittenPart written, int length)
    {
        var rows = 0UL;
        for (var i = 0; i < length; i++)
        {
            rows += _kv[Place(written.Pages, i)];
        }
        return rows;
    }

    private int Place(int[] pages, int position) =>
        pages[position / options.PageTokens] * options.PageTokens + position % options.PageTokens;
}
