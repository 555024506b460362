// Tokens by id and by text, and the bytes each stands for: contiguous arrays with offsets, built
// once, so that the engine can read a token's bytes without allocating.

using NanoFlow.Tokenization.Pipeline;

namespace NanoFlow.Tokenization;

internal static class VocabularyLimits
{
    // The largest published vocabularies have about 300 thousand tokens.
    public const int MaximumId = 4 * 1024 * 1024 - 1;
    public const int TokenLength = 64 * 1024;
}

internal sealed class Vocabulary
{
    private readonly Dictionary<string, int> _ids;
    private readonly string?[] _texts;
    private readonly ByteTable _bytes;

    // The same table where a token's place makes no difference.
    private readonly ByteTable _firstBytes;
    private readonly ByteTable _lastBytes;

    // Tokens with their text, their id and the spelling that is decoded. Later entries win, by id
    // and by text: added tokens come after those of the model.
    public Vocabulary(
        IReadOnlyList<(string Text, int Id, string Spelling)> tokens, TokenDecoder decoder)
    {
        _ids = new Dictionary<string, int>(tokens.Count);
        var size = 0;
        foreach (var (text, id, _) in tokens)
        {
            _ids[text] = id;
            size = Math.Max(size, id + 1);
        }
        _texts = new string?[size];
        var spellings = new string?[size];
        foreach (var (text, id, spelling) in tokens)
        {
            _texts[id] = text;
            spellings[id] = spelling;
        }
        _bytes = new ByteTable(spellings, text => decoder.Decode(text, false, false));
        _firstBytes = decoder.FirstDiffers
            ? new ByteTable(spellings, text => decoder.Decode(text, true, false))
            : _bytes;
        _lastBytes = decoder.LastDiffers
            ? new ByteTable(spellings, text => decoder.Decode(text, false, true))
            : _bytes;
    }

    // The highest id plus one; some ids below it may be unused.
    public int Size => _texts.Length;

    public string? Text(int id) => (uint)id < (uint)_texts.Length ? _texts[id] : null;

    // What the token stands for in the middle of a sequence.
    public ReadOnlySpan<byte> Bytes(int id) => _bytes[id];

    public ReadOnlySpan<byte> FirstBytes(int id) => _firstBytes[id];

    public ReadOnlySpan<byte> LastBytes(int id) => _lastBytes[id];

    public int? Id(string text) => _ids.TryGetValue(text, out var id) ? id : null;

    private sealed class ByteTable
    {
        private readonly int[] _offsets;
        private readonly byte[] _bytes;

        public ByteTable(string?[] texts, Func<string, byte[]> decode)
        {
            _offsets = new int[texts.Length + 1];
            var bytes = new List<byte>(texts.Length * 8);
            for (var id = 0; id < texts.Length; id++)
            {
                if (texts[id] is { } text)
                {
                    bytes.AddRange(decode(text));
                }
                _offsets[id + 1] = bytes.Count;
            }
            _bytes = [.. bytes];
        }

        // Empty for an id outside the table.
        public ReadOnlySpan<byte> this[int id] => (uint)id < (uint)(_offsets.Length - 1)
            ? _bytes.AsSpan(_offsets[id], _offsets[id + 1] - _offsets[id])
            : [];
    }
}
