// How many requests failed, and with which messages.

namespace NanoFlow.Benchmarks;

internal sealed class FailureCounts
{
    private const string Others = "other reasons";

    private readonly Dictionary<string, int> _counts = [];
    private readonly Lock _lock = new();

    public int Total
    {
        get
        {
            lock (_lock)
            {
                return _counts.Values.Sum();
            }
        }
    }

    /// <summary>Any thread.</summary>
    public void Add(string message)
    {
        lock (_lock)
        {
            var key = _counts.Count < LoadLimits.Messages || _counts.ContainsKey(message)
                ? message
                : Others;
            _counts[key] = _counts.GetValueOrDefault(key) + 1;
        }
    }

    /// <summary>The most frequent first.</summary>
    public IReadOnlyList<(string Message, int Count)> ByCount()
    {
        lock (_lock)
        {
            return [.. _counts.OrderByDescending(pair => pair.Value)
                .Select(pair => (pair.Key, pair.Value))];
        }
    }
}
