// Log-probabilities of a prompt that is repeated before its answer, in the form of those of the
// answer. Made one by one while they are written: as objects they take far more memory than as the
// numbers they come from.

using System.Collections;
using NanoFlow.Engine;
using NanoFlow.Server.Responses;

namespace NanoFlow.Server.Generating;

internal sealed class EchoedLogProbs : IReadOnlyList<TokenLogProbs>
{
    private readonly int[] _tokens;
    private readonly PromptScores _scores;
    private readonly TokenNames _names;
    private readonly int _alternatives;
    private readonly int[] _offsets;
    private IReadOnlyList<TokenLogProbs> _answer = [];

    public EchoedLogProbs(int[] tokens, PromptScores scores, TokenNames names, int alternatives)
    {
        _tokens = tokens;
        _scores = scores;
        _names = names;
        _alternatives = alternatives;
        _offsets = new int[tokens.Length];
        for (var i = 0; i < tokens.Length; i++)
        {
            _offsets[i] = TextLength;
            TextLength += names.LengthOf(tokens[i]);
        }
    }

    /// <summary>Characters of all tokens.</summary>
    public int TextLength { get; }

    public int Count => _tokens.Length + _answer.Count;

    public TokenLogProbs this[int index] => index < _tokens.Length
        ? OfPrompt(index)
        : _answer[index - _tokens.Length];

    /// <summary>These, then those of the answer.</summary>
    public EchoedLogProbs Before(IReadOnlyList<TokenLogProbs> answer)
    {
        _answer = answer;
        return this;
    }

    public IEnumerator<TokenLogProbs> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private TokenLogProbs OfPrompt(int index)
    {
        if (index == 0)
        {
            return new TokenLogProbs(_names.Entry(_tokens[0], 0), 0, []) { IsUnscored = true };
        }

        var score = _scores[index - 1];
        var top = new TopLogProb[Math.Min(_alternatives, score.Top.Length)];
        for (var i = 0; i < top.Length; i++)
        {
            var other = score.Top.Span[i];
            if (other.Token < 0)
            {
                return Of(index, score.LogProb, top[..i]); // the model has no more candidates
            }

            top[i] = _names.Entry(other.Token, other.LogProb);
        }

        return Of(index, score.LogProb, top);
    }

    private TokenLogProbs Of(int index, float logProb, TopLogProb[] top) =>
        new(_names.Entry(_tokens[index], logProb), _offsets[index], top);
}
