// The merges of a BPE model: (left id, right id) -> rank and merged id, in an open-addressing table
// of two flat arrays. Lookups are the inner loop of encoding; a miss usually costs one cache line.

using System.Numerics;

namespace NanoFlow.Tokenization.Models;

internal sealed class BpeMerges
{
    public const int NoRank = int.MaxValue;

    // No pair of ids below 2^31 packs to this.
    private const ulong EmptyKey = ulong.MaxValue;

    private readonly ulong[] _keys;
    private readonly (int Rank, int Merged)[] _values;
    private readonly int _shift;

    // Merges in the order of their ranks; or in any order, with the rank of each token that merges
    // can make. Merges of one rank are equals: the leftmost goes first.
    public BpeMerges(
        IReadOnlyList<(int Left, int Right, int Merged)> byRank, int[]? rankOfToken = null)
    {
        var capacity = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, byRank.Count * 2));
        _shift = 64 - BitOperations.Log2((uint)capacity);
        _keys = new ulong[capacity];
        _values = new (int, int)[capacity];
        Array.Fill(_keys, EmptyKey);
        for (var rank = 0; rank < byRank.Count; rank++)
        {
            var (left, right, merged) = byRank[rank];
            var slot = SlotOf(Pack(left, right));
            _keys[slot] = Pack(left, right);
            _values[slot] = (rankOfToken?[merged] ?? rank, merged);
        }
    }

    // The rank of the pair (lower merges first) or NoRank.
    public int Find(int left, int right, out int merged)
    {
        var slot = SlotOf(Pack(left, right));
        if (_keys[slot] == EmptyKey)
        {
            merged = -1;
            return NoRank;
        }
        (var rank, merged) = _values[slot];
        return rank;
    }

    private static ulong Pack(int left, int right) => (ulong)(uint)left << 32 | (uint)right;

    // The slot that holds the key, or the empty one where it would go.
    private int SlotOf(ulong key)
    {
        // Fibonacci hashing: the high bits of a product with 2^64 / golden ratio.
        var slot = (int)(key * 0x9E3779B97F4A7C15 >> _shift);
        while (_keys[slot] != key && _keys[slot] != EmptyKey)
        {
            slot = (slot + 1) & (_keys.Length - 1);
        }
        return slot;
    }
}
