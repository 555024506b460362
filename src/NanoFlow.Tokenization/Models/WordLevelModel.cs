// One token for each whole piece; a piece outside the vocabulary is the unknown token, or nothing
// when the vocabulary has none.

using NanoFlow.Tokenization.Pipeline;

namespace NanoFlow.Tokenization.Models;

internal sealed class WordLevelModel : TokenModel
{
    private readonly Dictionary<string, int> _tokens;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly int _unknownId;

    public WordLevelModel(FileNode node)
    {
        _tokens = VocabularyReader.Read(node.Child("vocab"));
        _lookup = _tokens.GetAlternateLookup<ReadOnlySpan<char>>();
        _unknownId = _tokens.GetValueOrDefault(node.OptionalText("unk_token") ?? "<unk>", -1);
    }

    public override IReadOnlyDictionary<string, int> Tokens => _tokens;

    public override void Encode(ReadOnlySpan<char> piece, ModelScratch scratch, List<int> ids)
    {
        var id = _lookup.TryGetValue(piece, out var found) ? found : _unknownId;
        if (id >= 0)
        {
            ids.Add(id);
        }
    }
}
