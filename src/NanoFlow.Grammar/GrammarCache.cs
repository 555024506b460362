// Grammars by their text, so that the next request with the same schema finds states and masks. The
// least recently used go when all together take too much memory. Compiling happens on the thread
// that asks, once for all that ask for the same.

namespace NanoFlow.Grammar;

public sealed class GrammarCache(
    Func<GrammarVocabulary> vocabulary, long limit = GrammarLimits.GrammarBytes)
{
    // An entry's own size beside what its grammar counts.
    private const int MaxGrammars = 4096;

    private readonly Lazy<GrammarVocabulary> _vocabulary = new(vocabulary);
    private readonly GrammarMemory _memory = new(limit);
    private readonly Lock _lock = new();
    private readonly LinkedList<Entry> _recent = [];
    private readonly Dictionary<string, LinkedListNode<Entry>> _entries = [];

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    /// <exception cref="GrammarException">It cannot be followed.</exception>
    public TokenGrammar Get(GrammarSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var entry = Find(spec);
        try
        {
            return entry.Grammar.Value;
        }
        catch (GrammarException)
        {
            Remove(entry);
            throw;
        }
    }

    private Entry Find(GrammarSpec spec)
    {
        var key = spec.Key;
        lock (_lock)
        {
            if (_entries.TryGetValue(key, out var known))
            {
                _recent.Remove(known);
                _recent.AddFirst(known);
                return known.Value;
            }
            var entry = new Entry(key, new Lazy<TokenGrammar>(() => new TokenGrammar(
                GrammarSpec.Compile(spec), _vocabulary.Value, _memory)));
            _entries.Add(key, _recent.AddFirst(entry));
            Shrink();
            return entry;
        }
    }

    // By what each one holds: memory that running sequences still hold is counted elsewhere.
    private void Shrink()
    {
        var bytes = 0L;
        var count = 0;
        for (var node = _recent.First; node is not null;)
        {
            var next = node.Next;
            bytes += node.Value.Bytes;
            if (++count > 1 && (bytes > limit || count > MaxGrammars))
            {
                _recent.Remove(node);
                _entries.Remove(node.Value.Key);
            }
            node = next;
        }
    }

    private void Remove(Entry entry)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(entry.Key, out var node) && node.Value == entry)
            {
                _recent.Remove(node);
                _entries.Remove(entry.Key);
            }
        }
    }

    private sealed record Entry(string Key, Lazy<TokenGrammar> Grammar)
    {
        public long Bytes => 4L * Key.Length
            + (Grammar.IsValueCreated ? Grammar.Value.Bytes : 0);
    }
}
