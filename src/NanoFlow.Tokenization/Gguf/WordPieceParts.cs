// tokenizer.ggml.model "bert": WordPiece. GGUF marks the tokens that begin a word with U+2581 and
// leaves the "##" of the others out; here they get their own spelling back.

using NanoFlow.Tokenization.Models;
using NanoFlow.Tokenization.Pipeline;

namespace NanoFlow.Tokenization.Gguf;

internal static class WordPieceParts
{
    private const char WordStart = '▁';
    private const string Continuing = "##";

    public static TokenizerParts Build(GgufMetadata metadata, GgufVocabulary vocabulary)
    {
        string[] texts = [.. vocabulary.Texts.Select((text, id) =>
            vocabulary.Kinds[id] is not (GgufTokenKind.Normal or GgufTokenKind.UserDefined) ? text
            : text.StartsWith(WordStart) ? text[1..]
            : Continuing + text)];
        var ids = new Dictionary<string, int>(texts.Length);
        for (var id = 0; id < texts.Length; id++)
        {
            ids[texts[id]] = id;
        }
        var first = Required(metadata, vocabulary, "cls", "bos");
        var last = Required(metadata, vocabulary, "seperator", "eos");
        var unknown = Required(metadata, vocabulary, "unknown", "unknown");
        return new TokenizerParts
        {
            Model = new WordPieceModel(
                ids, unknown, Continuing, WordPieceModel.DefaultLongestWord),
            Tokens = texts.Select(static (text, id) => (text, id)),
            Added = vocabulary.Added(),
            Normalize = GgufTokenizer.Part(
                metadata, """{"type":"BertNormalizer"}""", Normalizer.Read),
            PreTokenizer = GgufTokenizer.Part(
                metadata, """{"type":"BertPreTokenizer"}""", PreTokenizer.Read),
            Template = new SpecialTokenTemplate([first], [last]),
            Decoder = GgufTokenizer.Part(
                metadata, """{"type":"WordPiece"}""", static node => TokenDecoder.Read(node)),
        };
    }

    private static int Required(
        GgufMetadata metadata, GgufVocabulary vocabulary, string role, string otherwise) =>
        GgufTokenizer.Id(metadata, vocabulary, role)
            ?? GgufTokenizer.Id(metadata, vocabulary, otherwise)
            ?? throw metadata.Error($"{GgufMetadata.Prefix}{role}_token_id", "is missing");
}
