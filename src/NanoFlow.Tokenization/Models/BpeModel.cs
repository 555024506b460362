// Byte-pair encoding. A piece becomes one symbol for each of its characters, and merges join them.
// A character outside the vocabulary becomes its bytes as tokens "<0xHH>" when the model has byte
// fallback, else the unknown token if there is one, else nothing.

using System.Text;

namespace NanoFlow.Tokenization.Models;

internal sealed record BpeOptions
{
    public bool IgnoreMerges { get; init; }

    public bool ByteFallback { get; init; }

    public bool FuseUnknown { get; init; }

    // -1: the model has none.
    public int UnknownId { get; init; } = -1;

    // Put before every symbol of a piece but the first, and behind the last one.
    public string ContinuingPrefix { get; init; } = "";

    public string EndSuffix { get; init; } = "";
}

internal sealed class BpeModel : TokenModel
{
    // The byte alphabet and all of Latin lie below; these are found without hashing.
    private const int DirectCodePoints = 0x180;

    private readonly Dictionary<string, int> _tokens;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly BpeMerges _merges;
    private readonly BpeOptions _options;
    private readonly int[] _directIds = new int[DirectCodePoints];
    private readonly int[]? _byteIds;

    public BpeModel(Dictionary<string, int> tokens, BpeMerges merges, BpeOptions options)
    {
        _tokens = tokens;
        _lookup = tokens.GetAlternateLookup<ReadOnlySpan<char>>();
        _merges = merges;
        _options = options;
        for (var c = 0; c < DirectCodePoints; c++)
        {
            _directIds[c] = tokens.GetValueOrDefault(((char)c).ToString(), -1);
        }
        if (options.ByteFallback)
        {
            _byteIds = VocabularyReader.ByteIds(tokens);
        }
    }

    public override IReadOnlyDictionary<string, int> Tokens => _tokens;

    public override void Encode(ReadOnlySpan<char> piece, ModelScratch scratch, List<int> ids)
    {
        if (_options.IgnoreMerges && _lookup.TryGetValue(piece, out var whole))
        {
            ids.Add(whole);
            return;
        }
        if (scratch.Cache.TryAppend(piece, ids))
        {
            return;
        }
        var merger = scratch.Merger;
        merger.Clear();
        AddSymbols(piece, merger);
        merger.Merge(_merges);
        scratch.Cache.Add(piece, merger.Ids);
        ids.AddRange(merger.Ids);
    }

    private void AddSymbols(ReadOnlySpan<char> piece, BpeMerger merger)
    {
        var unknownPending = false;
        for (var at = 0; at < piece.Length;)
        {
            Rune.DecodeFromUtf16(piece[at..], out _, out var length);
            var symbol = Marked(piece, at, length);
            var id = SymbolId(symbol);
            at += length;
            if (id >= 0)
            {
                if (unknownPending)
                {
                    merger.Add(_options.UnknownId);
                    unknownPending = false;
                }
                merger.Add(id);
            }
            else if (!TryAddBytes(symbol, merger) && _options.UnknownId >= 0)
            {
                if (unknownPending && !_options.FuseUnknown)
                {
                    merger.Add(_options.UnknownId);
                }
                unknownPending = true;
            }
        }
        if (unknownPending)
        {
            merger.Add(_options.UnknownId);
        }
    }

    // The character with the marks of its place in the piece, when the model has such marks.
    private ReadOnlySpan<char> Marked(ReadOnlySpan<char> piece, int at, int length)
    {
        var prefix = at > 0 ? _options.ContinuingPrefix : "";
        var suffix = at + length == piece.Length ? _options.EndSuffix : "";
        var symbol = piece.Slice(at, length);
        return prefix.Length + suffix.Length == 0
            ? symbol
            : string.Concat(prefix, symbol, suffix);
    }

    private int SymbolId(ReadOnlySpan<char> symbol)
    {
        if (symbol.Length == 1 && symbol[0] < DirectCodePoints)
        {
            return _directIds[symbol[0]];
        }
        return _lookup.TryGetValue(symbol, out var id) ? id : -1;
    }

    private bool TryAddBytes(ReadOnlySpan<char> symbol, BpeMerger merger)
    {
        if (_byteIds is null)
        {
            return false;
        }
        var count = merger.Count;
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in symbol.EnumerateRunes())
        {
            foreach (var b in utf8[..rune.EncodeToUtf8(utf8)])
            {
                if (_byteIds[b] < 0)
                {
                    merger.Truncate(count);
                    return false;
                }
                merger.Add(_byteIds[b]);
            }
        }
        return true;
    }
}
