// SentencePiece's unigram model: of all ways to cut a piece into tokens the one whose scores (log
// probabilities) sum highest, found in one pass over the text (Viterbi). A character that no token
// covers alone costs more than any token does; a run of such is one unknown, which becomes its
// bytes as tokens "<0xHH>" when the model has them.

using System.Runtime.InteropServices;
using System.Text;

namespace NanoFlow.Tokenization.Models;

internal sealed record UnigramOptions
{
    public bool ByteFallback { get; init; }

    // -1: the model has none.
    public int UnknownId { get; init; } = -1;
}

internal sealed class UnigramModel : TokenModel
{
    // How much worse than the worst token an unknown character is.
    private const double UnknownPenalty = 10;

    private readonly Dictionary<string, int> _tokens = [];
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly TokenTrie _trie = new();
    private readonly double[] _scores;
    private readonly double _unknownScore;
    private readonly int _unknownId;
    private readonly int[]? _byteIds;

    // Tokens with their scores; the place of a token is its id.
    public UnigramModel(
        IReadOnlyList<(string Text, double Score)> tokens, UnigramOptions options)
    {
        _scores = [.. tokens.Select(static token => token.Score)];
        _unknownScore = _scores.DefaultIfEmpty(0).Min() - UnknownPenalty;
        _unknownId = options.UnknownId;
        for (var id = 0; id < tokens.Count; id++)
        {
            _tokens[tokens[id].Text] = id;
            _trie.Add(tokens[id].Text, id);
        }
        _lookup = _tokens.GetAlternateLookup<ReadOnlySpan<char>>();
        _byteIds = options.ByteFallback ? VocabularyReader.ByteIds(_tokens) : null;
    }

    public override IReadOnlyDictionary<string, int> Tokens => _tokens;

    public override void Encode(ReadOnlySpan<char> piece, ModelScratch scratch, List<int> ids)
    {
        if (scratch.Cache.TryAppend(piece, ids))
        {
            return;
        }
        var before = ids.Count;
        var path = scratch.Path;
        path.Begin(piece.Length);
        for (var at = 0; at < piece.Length;)
        {
            at += Extend(piece[at..], at, path);
        }
        foreach (var part in path.Trace(piece.Length, _unknownId))
        {
            if (part.Id == _unknownId)
            {
                AddUnknown(piece[part.Start..part.End], ids);
            }
            else
            {
                ids.Add(part.Id);
            }
        }
        scratch.Cache.Add(piece, CollectionsMarshal.AsSpan(ids)[before..]);
    }

    // Offers every token that begins here; returns the length of the character.
    private int Extend(ReadOnlySpan<char> rest, int at, TokenPath path)
    {
        Rune.DecodeFromUtf16(rest, out _, out var length);
        var known = false;
        var node = TokenTrie.Root;
        for (var i = 0; i < rest.Length; i++)
        {
            node = _trie.Step(node, rest[i]);
            if (node == TokenTrie.None)
            {
                break;
            }
            if (_trie.IdAt(node) is >= 0 and var id)
            {
                path.Offer(at, at + i + 1, id, _scores[id]);
                known |= i + 1 == length;
            }
        }
        if (!known)
        {
            path.Offer(at, at + length, _unknownId, _unknownScore);
        }
        return length;
    }

    private void AddUnknown(ReadOnlySpan<char> text, List<int> ids)
    {
        if (_lookup.TryGetValue(text, out var whole))
        {
            ids.Add(whole);
        }
        else if (!TryAddBytes(text, ids) && _unknownId >= 0)
        {
            ids.Add(_unknownId);
        }
    }

    private bool TryAddBytes(ReadOnlySpan<char> text, List<int> ids)
    {
        if (_byteIds is null)
        {
            return false;
        }
        var before = ids.Count;
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in text.EnumerateRunes())
        {
            foreach (var b in utf8[..rune.EncodeToUtf8(utf8)])
            {
                if (_byteIds[b] < 0)
                {
                    ids.RemoveRange(before, ids.Count - before);
                    return false;
                }
                ids.Add(_byteIds[b]);
            }
        }
        return true;
    }
}
