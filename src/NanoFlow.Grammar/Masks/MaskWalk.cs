// Finds the tokens that may follow a state: walks the tree of tokens and the automaton side by
// side. Where a state stays the same through all bytes below a node, as inside a string, the tokens
// below are allowed at once, without looking at them.

using NanoFlow.Grammar.Machine;

namespace NanoFlow.Grammar.Masks;

internal sealed class MaskWalk(Automaton automaton, GrammarVocabulary vocabulary)
{
    private readonly TokenTrie _trie = vocabulary.Trie;
    private readonly int[] _states = new int[vocabulary.Trie.MaxDepth + 1];
    private readonly Dictionary<int, ulong> _loops = [];

    /// <summary>States have got new numbers.</summary>
    public void Forget() => _loops.Clear();

    /// <summary>Sets the bits of the tokens that may follow.</summary>
    /// <returns>False: the work had an end before the tokens had.</returns>
    public bool Fill(int state, Span<uint> mask)
    {
        mask.Clear();
        var isComplete = true;
        var isEmpty = true;
        var nodes = _trie.Nodes;
        _states[0] = state;
        automaton.Work = 0;
        for (var i = 0; i < nodes.Length;)
        {
            ref readonly var node = ref nodes[i];
            var before = _states[node.Depth];
            var next = automaton.Known(before, node.Value);
            if (next is null && !isEmpty && IsOver)
            {
                isComplete = false;
                next = Automaton.Dead;
            }
            var after = next ?? automaton.Next(before, node.Value);
            if (after == Automaton.Dead)
            {
                i = node.Skip;
                continue;
            }
            var all = after == before && (node.KindsBelow & ~LoopKinds(after)) == 0;
            var tokens = _trie.Tokens(node.TokenBegin, all ? node.TokenEnd : node.OwnEnd);
            Allow(tokens, mask);
            isEmpty &= tokens.IsEmpty;
            _states[node.Depth + 1] = after;
            i = all ? node.Skip : i + 1;
        }
        if (automaton.MayEnd(state))
        {
            AllowEnds(mask);
        }
        return isComplete;
    }

    public void AllowEnds(Span<uint> mask)
    {
        foreach (var token in vocabulary.EndTokens)
        {
            mask[token >> 5] |= 1u << (token & 31);
        }
    }

    private bool IsOver => automaton.Work > GrammarLimits.MaskWork || automaton.IsFull;

    private static void Allow(ReadOnlySpan<int> tokens, Span<uint> mask)
    {
        foreach (var token in tokens)
        {
            mask[token >> 5] |= 1u << (token & 31);
        }
    }

    // Kinds of bytes after which a state is the same again.
    private ulong LoopKinds(int state)
    {
        if (!_loops.TryGetValue(state, out var kinds))
        {
            for (var kind = 0; kind < ByteKinds.Count; kind++)
            {
                var isLoop = true;
                foreach (var value in ByteKinds.Of(kind))
                {
                    isLoop &= automaton.Next(state, value) == state;
                }
                kinds |= isLoop ? 1UL << kind : 0;
            }
            _loops.Add(state, kinds);
        }
        return kinds;
    }
}
