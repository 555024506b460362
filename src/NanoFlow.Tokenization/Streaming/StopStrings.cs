// The stop strings of a request, compiled into one automaton over UTF-8 bytes (Aho-Corasick), so
// that any number of them costs one step a byte. Immutable; at most 16 * 256 + 1 nodes.
//
// The rule: the text ends at the occurrence that is complete first; of several complete at the same
// byte, the one that begins leftmost. It depends on the bytes alone, never on how they arrive.

using System.Text;

namespace NanoFlow.Tokenization;

public sealed class StopStrings
{
    public const int MaximumCount = 16;
    public const int MaximumBytes = 256;

    internal const int Root = 0;
    private const int None = -1;

    public static readonly StopStrings Empty = new([]);

    private record struct Node(byte Byte, int FirstChild, int NextSibling)
    {
        // Bytes on the way from the root.
        public int Depth { get; set; }

        // The node of the longest proper suffix of this one that is a prefix of a stop string.
        public int Suffix { get; set; }

        // The longest stop string that ends here, counted from 1; 0 for none.
        public int Match { get; set; }
    }

    private readonly List<Node> _nodes = [new Node(0, None, None)];
    private readonly List<(string Text, int ByteCount)> _stops = [];

    public StopStrings(IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        if (texts.Count > MaximumCount)
        {
            throw new ArgumentException(
                $"stop: {texts.Count} strings, at most {MaximumCount}", nameof(texts));
        }
        foreach (var text in texts)
        {
            var bytes = Encoding.UTF8.GetBytes(text ?? "");
            if (bytes.Length is 0 or > MaximumBytes)
            {
                throw new ArgumentException(
                    $"stop: a string of {bytes.Length} bytes, must have 1 to {MaximumBytes}",
                    nameof(texts));
            }
            _stops.Add((text!, bytes.Length));
            Insert(bytes);
        }
        LinkSuffixes();
    }

    public bool IsEmpty => _nodes.Count == 1;

    internal int Step(int node, byte next)
    {
        var child = Child(node, next);
        while (child == None && node != Root)
        {
            node = _nodes[node].Suffix;
            child = Child(node, next);
        }
        return child == None ? Root : child;
    }

    internal int DepthOf(int node) => _nodes[node].Depth;

    // Length in bytes of the stop string that ends at the node; 0 for none.
    internal int MatchAt(int node) =>
        _nodes[node].Match is > 0 and var match ? _stops[match - 1].ByteCount : 0;

    internal string TextAt(int node) => _stops[_nodes[node].Match - 1].Text;

    private int Child(int node, byte next)
    {
        var child = _nodes[node].FirstChild;
        while (child != None && _nodes[child].Byte != next)
        {
            child = _nodes[child].NextSibling;
        }
        return child;
    }

    private void Insert(ReadOnlySpan<byte> bytes)
    {
        var node = Root;
        foreach (var b in bytes)
        {
            var child = Child(node, b);
            if (child == None)
            {
                child = _nodes.Count;
                var depth = _nodes[node].Depth + 1;
                _nodes.Add(new Node(b, None, _nodes[node].FirstChild) { Depth = depth });
                _nodes[node] = _nodes[node] with { FirstChild = child };
            }
            node = child;
        }
        _nodes[node] = _nodes[node] with { Match = _stops.Count };
    }

    // Breadth first: the suffix of a node is shallower, so it is complete when it is needed. A stop
    // string that ends at a node is longer than any that ends at its suffix.
    private void LinkSuffixes()
    {
        var queue = new Queue<int>([Root]);
        while (queue.TryDequeue(out var parent))
        {
            for (var n = _nodes[parent].FirstChild; n != None; n = _nodes[n].NextSibling)
            {
                var suffix = parent == Root ? Root : Step(_nodes[parent].Suffix, _nodes[n].Byte);
                var match = _nodes[n].Match > 0 ? _nodes[n].Match : _nodes[suffix].Match;
                _nodes[n] = _nodes[n] with { Suffix = suffix, Match = match };
                queue.Enqueue(n);
            }
        }
    }
}
