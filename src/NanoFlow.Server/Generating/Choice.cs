// One answer to one prompt: tokens from the engine in, text and log-probabilities out. Used by one
// thread at a time.

using System.Text;
using NanoFlow.Engine;
using NanoFlow.Scheduling;
using NanoFlow.Server.Responses;
using NanoFlow.Tokenization;

namespace NanoFlow.Server.Generating;

internal sealed class Choice(
    int index, Generation generation, TextStream text, IAnswerParser parser, TokenNames names)
{
    private readonly List<TokenLogProbs> _logProbs = [];
    private readonly List<int> _tokens = [];
    private EchoedLogProbs? _echoed;
    private bool _isEchoed;
    private int _textOffset;

    public int Index { get; } = index;
    public Generation Generation { get; } = generation;

    /// <summary>Tokens taken from the engine so far, an end token included.</summary>
    public int TokenCount { get; private set; }

    /// <summary>Those of them that the model spent on thoughts.</summary>
    public int ReasoningTokenCount { get; private set; }

    /// <summary>When the last of them was taken; 0 before the first.</summary>
    public long LastTokenAt { get; set; }

    /// <summary>What may be sent now.</summary>
    public AnswerPieces Pieces { get; } = new();

    /// <summary>Of the tokens since the last Take; empty when the request wants none.</summary>
    public IReadOnlyList<TokenLogProbs> LogProbs =>
        _echoed is null ? _logProbs : _echoed.Before(_logProbs);

    public TokenNames Names => names;

    /// <summary>Those tokens, an end token included.</summary>
    public IReadOnlyList<int> Tokens => _tokens;

    /// <summary>"stop", "length" or "tool_calls"; null while running or when there is no proper
    /// end.</summary>
    public string? FinishReason { get; private set; }

    /// <summary>The stop string that ended it; null when something else did.</summary>
    public string? StopString => text.StopText;

    /// <summary>How it ended, for metrics and the log.</summary>
    public string Outcome => FinishReason
        ?? (Generation.Reason == Scheduling.FinishReason.Error ? "error" : "abort");

    /// <summary>Repeats the prompt, once: the first time that the engine has something, its scores
    /// are there.</summary>
    public void Echo(TokenPrompt prompt, int alternatives)
    {
        if (_isEchoed || Generation.PromptScores?.Count != prompt.Tokens.Length - 1)
        {
            return; // done, or the generation ended too early
        }

        _isEchoed = true;
        _echoed = new EchoedLogProbs(prompt.Tokens, Generation.PromptScores, names, alternatives);
        _textOffset = _echoed.TextLength;
        Pieces.Add(PieceKind.Text, Encoding.UTF8.GetBytes(prompt.ScoredEcho!));
    }

    public void Append(in GeneratedToken token)
    {
        TokenCount++;
        _tokens.Add(token.Token);
        if (token.IsEnd)
        {
            return;
        }

        text.Append(token.Token);
        parser.Append(text.Ready, Pieces);
        text.Take();
        ReasoningTokenCount += parser.InThoughts ? 1 : 0;
        if (token.LogProb is { } logProb)
        {
            AddLogProbs(token, logProb);
        }
    }

    /// <summary>The engine is done with it: nothing is held back any more.</summary>
    public void Finish()
    {
        text.Finish();
        parser.Append(text.Ready, Pieces);
        parser.Finish(Pieces);
        text.Take();
        FinishReason = Generation.Reason switch
        {
            Scheduling.FinishReason.Length when !text.Stopped => "length",
            Scheduling.FinishReason.Stop or Scheduling.FinishReason.Length =>
                Pieces.HasCalls ? "tool_calls" : "stop",
            _ => null,
        };
    }

    /// <summary>What is ready has been sent.</summary>
    public void Take()
    {
        Pieces.Clear();
        TakeDetails();
    }

    /// <summary>What belongs to the tokens and not to the pieces has been sent.</summary>
    public void TakeDetails()
    {
        _echoed = null;
        _logProbs.Clear();
        _tokens.Clear();
    }

    private void AddLogProbs(in GeneratedToken token, float logProb)
    {
        var top = new TopLogProb[token.Top.Length];
        for (var i = 0; i < top.Length; i++)
        {
            var other = token.Top.Span[i];
            top[i] = names.Entry(other.Token, other.LogProb);
        }

        _logProbs.Add(new TokenLogProbs(names.Entry(token.Token, logProb), _textOffset, top));
        _textOffset += names.LengthOf(token.Token);
    }
}
