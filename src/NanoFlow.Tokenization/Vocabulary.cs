// Tokens by id and by text, and the bytes each stands for: one contiguous array with offsets, built
// once, so that the engine can read a token's bytes without allocating.

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
    private readonly int[] _offsets;
    private readonly byte[] _bytes;

    // Later entries win, by id and by text: added tokens come after those of the model.
    public Vocabulary(IReadOnlyList<(string Text, int Id)> tokens, Func<string, byte[]> decode)
    {
        _ids = new Dictionary<string, int>(tokens.Count);
        var size = 0;
        foreach (var (text, id) in tokens)
        {
            _ids[text] = id;
            size = Math.Max(size, id + 1);
        }
        _texts = new string?[size];
        foreach (var (text, id) in tokens)
        {
            _texts[id] = text;
        }
        _offsets = new int[size + 1];
        var bytes = new List<byte>(size * 8);
        for (var id = 0; id < size; id++)
        {
            if (_texts[id] is { } text)
            {
                bytes.AddRange(decode(text));
            }
            _offsets[id + 1] = bytes.Count;
        }
        _bytes = [.. bytes];
    }

    // The highest id plus one; some ids below it may be unused.
    public int Size => _texts.Length;

    public string? Text(int id) => (uint)id < (uint)_texts.Length ? _texts[id] : null;

    public ReadOnlySpan<byte> Bytes(int id) => (uint)id < (uint)_texts.Length
        ? _bytes.AsSpan(_offsets[id], _offsets[id + 1] - _offsets[id])
        : [];

    public int? Id(string text) => _ids.TryGetValue(text, out var id) ? id : null;
}
