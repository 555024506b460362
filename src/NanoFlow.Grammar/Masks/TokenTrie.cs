// The bytes of all tokens as a tree, laid out in the order in which it is walked: a node is
// followed by its children, Skip leads past them. The tokens below a node are a contiguous run.
// Immutable.

namespace NanoFlow.Grammar.Masks;

internal sealed class TokenTrie
{
    private readonly List<Node> _nodes = [];
    private readonly int[] _tokens;

    /// <param name="tokens">Ids with their bytes; tokens without bytes are left out.</param>
    public TokenTrie(IEnumerable<(int Id, ReadOnlyMemory<byte> Bytes)> tokens)
    {
        var sorted = tokens.Where(static token => token.Bytes.Length > 0).ToArray();
        Array.Sort(sorted, static (a, b) => a.Bytes.Span.SequenceCompareTo(b.Bytes.Span));
        _tokens = Array.ConvertAll(sorted, static token => token.Id);
        var open = new Stack<int>();
        var before = ReadOnlyMemory<byte>.Empty;
        for (var i = 0; i < sorted.Length; i++)
        {
            var bytes = sorted[i].Bytes.Span;
            var shared = before.Span.CommonPrefixLength(bytes);
            CloseTo(shared, open, i);
            for (var depth = shared; depth < bytes.Length; depth++)
            {
                open.Push(_nodes.Count);
                _nodes.Add(new Node { Value = bytes[depth], Depth = depth, TokenBegin = i });
            }
            OwnTokens(open.Peek(), i + 1);
            before = sorted[i].Bytes;
        }
        CloseTo(0, open, sorted.Length);
        MaxDepth = sorted.Length == 0 ? 0 : sorted.Max(static token => token.Bytes.Length);
        Nodes = [.. _nodes];
        _nodes = [];
    }

    public Node[] Nodes { get; }

    /// <summary>Bytes of the longest token.</summary>
    public int MaxDepth { get; }

    public ReadOnlySpan<int> Tokens(int begin, int end) => _tokens.AsSpan(begin, end - begin);

    private void OwnTokens(int node, int end) => _nodes[node] = _nodes[node] with { OwnEnd = end };

    private void CloseTo(int depth, Stack<int> open, int tokenEnd)
    {
        while (open.Count > depth)
        {
            var index = open.Pop();
            var node = _nodes[index];
            _nodes[index] = node with
            {
                Skip = _nodes.Count,
                TokenEnd = tokenEnd,
                OwnEnd = Math.Max(node.OwnEnd, node.TokenBegin),
            };
            if (open.TryPeek(out var parent))
            {
                var kinds = _nodes[index].KindsBelow | ByteKinds.Bit(node.Value);
                _nodes[parent] = _nodes[parent] with
                {
                    KindsBelow = _nodes[parent].KindsBelow | kinds,
                };
            }
        }
    }

    /// <param name="Value">The byte that leads here.</param>
    /// <param name="Depth">Bytes before it.</param>
    /// <param name="TokenBegin">Tokens that end here, or below, are [TokenBegin, TokenEnd); those
    /// that end here come first, up to OwnEnd.</param>
    /// <param name="Skip">The next node that is not below.</param>
    /// <param name="KindsBelow">Kinds of all bytes below.</param>
    internal readonly record struct Node(
        byte Value,
        int Depth,
        int TokenBegin,
        int OwnEnd,
        int TokenEnd,
        int Skip,
        ulong KindsBelow);
}
