// Builds a tokenizer from the metadata of a GGUF file. Each kind of tokenizer.ggml.model is a line
// in the table below. Fixed parts are written as tokenizer.json would state them, and read by the
// same readers.

using System.Text;
using NanoFlow.Tokenization.Models;
using NanoFlow.Tokenization.Pipeline;

namespace NanoFlow.Tokenization.Gguf;

internal static class GgufTokenizer
{
    private const string ModelKey = GgufMetadata.Prefix + "model";
    private const string TemplateKey = "tokenizer.chat_template";

    private static readonly Dictionary<string,
        Func<GgufMetadata, GgufVocabulary, TokenizerParts>> Kinds = new()
        {
            ["llama"] = SentencePieceParts.Build,
            ["gpt2"] = ByteLevelParts.Build,
            ["bert"] = WordPieceParts.Build,
        };

    // Ends of a turn and of a message to a tool, which stand beside the end of a text.
    private static readonly string[] FurtherEnds = ["eot", "eom"];

    // Files of older converters name only one end; these are ends of a turn or message wherever a
    // vocabulary has them as control tokens.
    private static readonly HashSet<string> EndTexts =
    [
        "<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<|end_of_text|>", "<|endoftext|>",
        "<end_of_turn>", "<｜end▁of▁sentence｜>", "</s>",
    ];

    public static Tokenizer Read(GgufMetadata metadata)
    {
        var name = metadata.Text(ModelKey);
        if (!Kinds.TryGetValue(name, out var build))
        {
            throw metadata.Error(
                ModelKey, $"'{name}' is not supported, known: {string.Join(", ", Kinds.Keys)}");
        }
        var vocabulary = new GgufVocabulary(metadata);
        return new Tokenizer(build(metadata, vocabulary), ReadConfig(metadata, vocabulary));
    }

    // The ids put around a text.
    public static SpecialTokenTemplate Template(
        GgufMetadata metadata, GgufVocabulary vocabulary, bool addsBos)
    {
        var before = metadata.OptionalFlag(GgufMetadata.Prefix + "add_bos_token") ?? addsBos;
        var after = metadata.OptionalFlag(GgufMetadata.Prefix + "add_eos_token") ?? false;
        return new SpecialTokenTemplate(
            before && Id(metadata, vocabulary, "bos") is { } bos ? [bos] : [],
            after && Id(metadata, vocabulary, "eos") is { } eos ? [eos] : []);
    }

    // A part in the form it has in tokenizer.json.
    public static T Part<T>(GgufMetadata metadata, string json, Func<FileNode, T> read) =>
        JsonFile.Parse(metadata.File, Encoding.UTF8.GetBytes(json), read);

    public static int? Id(GgufMetadata metadata, GgufVocabulary vocabulary, string role) =>
        metadata.OptionalId(
            $"{GgufMetadata.Prefix}{role}_token_id", vocabulary.Texts.Length);

    private static TokenizerConfig ReadConfig(GgufMetadata metadata, GgufVocabulary vocabulary)
    {
        var stated = FurtherEnds.Select(role => Id(metadata, vocabulary, role)).OfType<int>();
        var known = Enumerable.Range(0, vocabulary.Texts.Length).Where(id =>
            vocabulary.Kinds[id] == GgufTokenKind.Control
            && EndTexts.Contains(vocabulary.Texts[id]));
        return new TokenizerConfig
        {
            BosToken = Id(metadata, vocabulary, "bos") is { } bos ? vocabulary.Texts[bos] : null,
            EosToken = Id(metadata, vocabulary, "eos") is { } eos ? vocabulary.Texts[eos] : null,
            EosTokenIds = [.. stated.Union(known)],
            ChatTemplates = ReadTemplates(metadata),
        };
    }

    private static Dictionary<string, string> ReadTemplates(GgufMetadata metadata)
    {
        var templates = new Dictionary<string, string>();
        if (metadata.OptionalText(TemplateKey) is { } usual)
        {
            templates[TokenizerConfig.DefaultTemplate] = usual;
        }
        const string Named = TemplateKey + ".";
        foreach (var key in metadata.Keys)
        {
            if (key.StartsWith(Named, StringComparison.Ordinal))
            {
                templates.TryAdd(key[Named.Length..], metadata.Text(key));
            }
        }
        return templates;
    }
}
