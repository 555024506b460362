// Follows the decoded text of one sequence and says when a stop string is complete, across any
// borders of tokens. Never allocates after construction.

namespace NanoFlow.Tokenization;

public sealed class StopMatcher(StopStrings stops)
{
    private int _node = StopStrings.Root;
    private long _position;

    // Once true, further text is ignored.
    public bool Matched { get; private set; }

    // Where the stop string that matched begins and ends, in bytes from the start of the text.
    public long MatchStart { get; private set; }

    public long MatchEnd { get; private set; }

    // The stop string that matched.
    public string? MatchText => Matched ? stops.TextAt(_node) : null;

    // How many of the last bytes may be the beginning of a stop string and must wait.
    public int HeldBackBytes => Matched ? 0 : stops.DepthOf(_node);

    public void Reset()
    {
        _node = StopStrings.Root;
        _position = 0;
        Matched = false;
        MatchStart = MatchEnd = 0;
    }

    // True when a stop string is complete within these bytes.
    public bool Append(ReadOnlySpan<byte> text)
    {
        if (stops.IsEmpty)
        {
            return false;
        }
        for (var i = 0; i < text.Length && !Matched; i++)
        {
            _node = stops.Step(_node, text[i]);
            _position++;
            if (stops.MatchAt(_node) is > 0 and var length)
            {
                Matched = true;
                MatchEnd = _position;
                MatchStart = _position - length;
            }
        }
        return Matched;
    }
}
