// Token texts as a prefix tree over UTF-16 units: all tokens that begin
// at a place of a text are found in one walk. Immutable after the last Add.

namespace NanoFlow.Tokenization.Models;

internal sealed class TokenTrie
{
    public const int Root = 0;
    public const int None = -1;

    private readonly Dictionary<(int Node, char Next), int> _edges = [];
    private readonly List<int> _ids = [None];

    public void Add(ReadOnlySpan<char> text, int id)
    {
        var node = Root;
        foreach (var c in text)
        {
            if (!_edges.TryGetValue((node, c), out var next))
            {
                next = _ids.Count;
                _edges.Add((node, c), next);
                _ids.Add(None);
            }
            node = next;
        }
        _ids[node] = id;
    }

    // The node after one more character, or None.
    public int Step(int node, char next) =>
        _edges.TryGetValue((node, next), out var child) ? child : None;

    // The token that ends at the node, or None.
    public int IdAt(int node) => _ids[node];

    // The longest token that the text begins with: its id (or None) and length.
    public (int Id, int Length) Longest(ReadOnlySpan<char> text)
    {
        var best = (Id: None, Length: 0);
        var node = Root;
        for (var i = 0; i < text.Length; i++)
        {
            node = Step(node, text[i]);
            if (node == None)
            {
                break;
            }
            if (_ids[node] != None)
            {
                best = (_ids[node], i + 1);
            }
        }
        return best;
    }
}
