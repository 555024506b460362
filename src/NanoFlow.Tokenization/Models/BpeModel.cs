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
            _byteIds = [.. Enumerable.Range(0, 256)
                .Select(b => tokens.GetValueOrDefault($"<0x{b:X2}>", -1))];
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
            Rune.DecodeFromUtf16(piece[at..], out var rune, out var length);
            var id = SymbolId(rune, piece.Slice(at, length));
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
            else if (!TryAddBytes(rune, merger) && _options.UnknownId >= 0)
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

    private int SymbolId(Rune rune, ReadOnlySpan<char> symbol)
    {
        if (rune.Value < DirectCodePoints)
        {
            return _directIds[rune.Value];
        }
        return _lookup.TryGetValue(symbol, out var id) ? id : -1;
    }

    private bool TryAddBytes(Rune rune, BpeMerger merger)
    {
        if (_byteIds is null)
        {
            return false;
        }
        Span<byte> utf8 = stackalloc byte[4];
        utf8 = utf8[..rune.EncodeToUtf8(utf8)];
        foreach (var b in utf8)
        {
            if (_byteIds[b] < 0)
            {
                return false;
            }
        }
        foreach (var b in utf8)
        {
            merger.Add(_byteIds[b]);
        }
        return true;
    }
}
