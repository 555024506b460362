namespace NanoFlow.Grammar;

/// <summary>Bytes that all grammars of a cache hold together. Any thread.</summary>
internal sealed class GrammarMemory(long limit)
{
    private long _bytes;

    public long Bytes => Volatile.Read(ref _bytes);

    public bool IsFull => Bytes > limit;

    public void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);
}
