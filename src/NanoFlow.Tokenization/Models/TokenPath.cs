// The best way to each place of a text: the token that ends there on it, where that token begins,
// and the sum of scores. Owned by one thread; its memory is reused from text to text.

namespace NanoFlow.Tokenization.Models;

internal sealed class TokenPath
{
    private const int Unreached = -1;

    private record struct Step(int Start, int Id, double Score);

    private Step[] _steps = new Step[64];
    private readonly List<(int Start, int End, int Id)> _parts = [];

    public int Capacity => _steps.Length;

    public void Begin(int length)
    {
        if (_steps.Length <= length)
        {
            _steps = new Step[length + 1];
        }
        _steps.AsSpan(0, length + 1).Fill(new Step(Unreached, 0, 0));
    }

    // A token from start to end; it is taken when it is better than what ends there already.
    public void Offer(int start, int end, int id, double score)
    {
        var total = score + _steps[start].Score;
        ref var step = ref _steps[end];
        if (step.Start == Unreached || total > step.Score)
        {
            step = new Step(start, id, total);
        }
    }

    // The tokens of the best path in order; neighbours that are all of fusedId are one part.
    public List<(int Start, int End, int Id)> Trace(int length, int fusedId)
    {
        _parts.Clear();
        for (var end = length; end > 0; end = _steps[end].Start)
        {
            var (start, id, _) = _steps[end];
            if (id == fusedId && _parts.Count > 0 && _parts[^1].Id == fusedId)
            {
                _parts[^1] = (start, _parts[^1].End, id);
            }
            else
            {
                _parts.Add((start, end, id));
            }
        }
        _parts.Reverse();
        return _parts;
    }
}
