// A grammar compiled for one vocabulary, with what has been found about it: states and masks. Many
// sequences follow it, all on the engine's thread once it is in use. What it holds counts against
// the limit of the cache it belongs to.

using System.Diagnostics;
using NanoFlow.Grammar.Machine;
using NanoFlow.Grammar.Masks;

namespace NanoFlow.Grammar;

public sealed class TokenGrammar
{
    // Tokens of a trial run, and its time: enough to find most states of a usual schema.
    private const int TrialTokens = 64;
    private static readonly TimeSpan TrialTime = TimeSpan.FromMilliseconds(30);

    private readonly Automaton _automaton;
    private readonly MaskWalk _walk;
    private readonly uint[] _endMask;
    private readonly uint[] _partMask;
    private readonly GrammarMemory _memory;
    private readonly Dictionary<int, uint[]> _masks = [];
    private long _counted;

    internal TokenGrammar(
        GrammarProgram program, GrammarVocabulary vocabulary, GrammarMemory memory)
    {
        Vocabulary = vocabulary;
        _memory = memory;
        _automaton = new Automaton(program);
        _walk = new MaskWalk(_automaton, vocabulary);
        _endMask = new uint[vocabulary.MaskWords];
        _partMask = new uint[vocabulary.MaskWords];
        _walk.AllowEnds(_endMask);
        Try();
    }

    ~TokenGrammar()
    {
        _memory?.Add(-_counted);
    }

    internal GrammarVocabulary Vocabulary { get; }

    /// <summary>A state is valid for the generation it was found in.</summary>
    internal int Generation => _automaton.Generation;

    internal int Start => _automaton.Start;

    internal ReadOnlySpan<uint> EndMask => _endMask;

    internal int MaskCount => _masks.Count;

    internal long Bytes => Volatile.Read(ref _counted);

    internal bool MayEnd(int state) => _automaton.MayEnd(state);

    /// <summary>The state after a token; Automaton.Dead when it cannot follow.</summary>
    internal int Next(int state, ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
        {
            state = _automaton.Next(state, value);
        }
        return _automaton.IsFull ? Forget(state) : state;
    }

    /// <summary>The tokens that may follow. May forget all other states: the state has then a new
    /// number. Valid until the next call.</summary>
    internal ReadOnlySpan<uint> Mask(ref int state)
    {
        if (_masks.TryGetValue(state, out var known))
        {
            return known;
        }
        if (_automaton.IsFull || _memory.IsFull)
        {
            state = Forget(state);
        }
        var isComplete = _walk.Fill(state, _partMask);
        if (isComplete)
        {
            _masks.Add(state, [.. _partMask]);
        }
        Count();
        return _partMask;
    }

    internal int Forget(int state)
    {
        _masks.Clear();
        _walk.Forget();
        state = _automaton.Forget(state);
        Count();
        return state;
    }

    private void Count()
    {
        var bytes = _automaton.Bytes + 4L * _endMask.Length * _masks.Count;
        _memory.Add(bytes - _counted);
        Volatile.Write(ref _counted, bytes);
    }

    // Follows it for a few tokens on the thread of the request, so that the engine's thread finds
    // states and masks ready. Tokens are taken from here and there in the mask, always the same.
    private void Try()
    {
        var began = Stopwatch.GetTimestamp();
        var state = Start;
        for (var i = 0; i < TrialTokens && Stopwatch.GetElapsedTime(began) < TrialTime; i++)
        {
            var token = Pick(Mask(ref state), (uint)i * 0x9e3779b9);
            if (token < 0 || Vocabulary.IsEnd(token))
            {
                state = Start;
                continue;
            }
            state = Next(state, Vocabulary.Bytes(token));
        }
    }

    private static int Pick(ReadOnlySpan<uint> mask, uint from)
    {
        var first = (int)(from % (uint)mask.Length);
        for (var i = 0; i < mask.Length; i++)
        {
            var word = (first + i) % mask.Length;
            if (mask[word] != 0)
            {
                return word * 32 + System.Numerics.BitOperations.TrailingZeroCount(mask[word]);
            }
        }
        return -1;
    }
}
