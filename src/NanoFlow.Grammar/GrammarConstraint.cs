using NanoFlow.Grammar.Machine;
using NanoFlow.Scheduling;

namespace NanoFlow.Grammar;

/// <summary>Holds the answer of one sequence to a grammar. Its tokens are kept: when the grammar
/// has forgotten its states, they are fed again.</summary>
public sealed class GrammarConstraint(TokenGrammar grammar) : ITokenConstraint
{
    private const int FirstTokens = 256;

    private int[] _tokens = new int[FirstTokens];
    private int _count;
    private int _generation = -1;
    private int _state;
    private bool _hasEnded;

    /// <summary>The text so far is a whole answer.</summary>
    public bool MayEnd
    {
        get
        {
            Resume();
            return grammar.MayEnd(_state);
        }
    }

    public void Append(int token)
    {
        if (_hasEnded || grammar.Vocabulary.IsEnd(token))
        {
            _hasEnded = true;
            return;
        }
        Resume();
        if (_count == _tokens.Length)
        {
            Array.Resize(ref _tokens, 2 * _count);
        }
        _tokens[_count++] = token;
        Feed(token);
    }

    public void WriteMask(Span<uint> mask)
    {
        Resume();
        var allowed = _hasEnded || _state == Automaton.Dead
            ? grammar.EndMask
            : grammar.Mask(ref _state);
        _generation = grammar.Generation;
        allowed.CopyTo(mask);
        mask[allowed.Length..].Clear();
    }

    private void Resume()
    {
        if (_generation == grammar.Generation)
        {
            return;
        }
        _state = grammar.Start;
        _generation = grammar.Generation;
        for (var i = 0; i < _count; i++)
        {
            Feed(_tokens[i]);
        }
    }

    private void Feed(int token)
    {
        _state = grammar.Next(_state, grammar.Vocabulary.Bytes(token));
        _generation = grammar.Generation;
    }
}
