// The text of one sequence while it is generated: tokens in, text out that is safe to send. Safe
// means: whole characters, nothing after a stop string, nothing that may yet turn out to be one.
// The pieces taken, joined, are the same for every way of taking them. The engine appends a token
// before it commits it; allocates only to grow.

namespace NanoFlow.Tokenization;

public sealed record TextStreamOptions
{
    public StopStrings Stops { get; init; } = StopStrings.Empty;

    // Keep the stop string at the end of the text instead of cutting before it.
    public bool IncludeStop { get; init; }

    public bool SkipSpecialTokens { get; init; } = true;

    // Special tokens that are not skipped all the same.
    public IReadOnlySet<int> ShownTokens { get; init; } = new HashSet<int>();
}

public sealed class TextStream
{
    private readonly IncrementalDetokenizer _detokenizer;
    private readonly StopMatcher _matcher;
    private readonly bool _includeStop;

    // Bytes of the detokenizer's text that may be sent; the count of those already taken.
    private int _ready;
    private long _taken;

    public TextStream(Tokenizer tokenizer, TextStreamOptions options)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(options);
        _detokenizer = new IncrementalDetokenizer(
            tokenizer, options.SkipSpecialTokens, options.ShownTokens);
        _matcher = new StopMatcher(options.Stops);
        _includeStop = options.IncludeStop;
    }

    // A stop string is complete: the sequence ends and later tokens are ignored.
    public bool Stopped => _matcher.Matched;

    // The stop string that is complete.
    public string? StopText => _matcher.MatchText;

    // Text that may be sent now. Good until the next call.
    public ReadOnlySpan<byte> Ready => _detokenizer.Text[.._ready];

    // Bytes of text so far that are final, taken or not.
    public long TextBytes => _taken + _ready;

    public void Reset()
    {
        _detokenizer.Reset();
        _matcher.Reset();
        _ready = 0;
        _taken = 0;
    }

    // True when this token completes a stop string.
    public bool Append(int tokenId)
    {
        if (Stopped)
        {
            return false;
        }
        var before = _detokenizer.Text.Length;
        _detokenizer.Append(tokenId);
        return Scan(before);
    }

    // The sequence is over for another reason: everything kept back becomes ready. True when the
    // last unfinished character, now U+FFFD, completes a stop string.
    public bool Finish()
    {
        if (Stopped)
        {
            return false;
        }
        var before = _detokenizer.Text.Length;
        _detokenizer.Flush();
        var stopped = Scan(before);
        _ready = stopped ? _ready : _detokenizer.Text.Length;
        return stopped;
    }

    // Forgets what Ready shows.
    public void Take()
    {
        _detokenizer.Discard(_ready);
        _taken += _ready;
        _ready = 0;
    }

    private bool Scan(int from)
    {
        var text = _detokenizer.Text;
        var stopped = _matcher.Append(text[from..]);
        _ready = stopped
            ? (int)((_includeStop ? _matcher.MatchEnd : _matcher.MatchStart) - _taken)
            : text.Length - _matcher.HeldBackBytes;
        return stopped;
    }
}
