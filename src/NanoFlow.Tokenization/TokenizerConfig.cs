// What the files beside tokenizer.json say: the texts of the BOS and EOS tokens, the clean-up of
// decoded text and the chat template (tokenizer_config.json; a chat_template.jinja file wins), and
// further end-of-text ids (generation_config.json). Every file is optional.

using System.Text.Json;
using NanoFlow.Tokenization.Pipeline;

namespace NanoFlow.Tokenization;

public sealed record TokenizerConfig
{
    private const string ConfigFile = "tokenizer_config.json";
    private const string TemplateFile = "chat_template.jinja";
    private const string GenerationFile = "generation_config.json";

    public const string DefaultTemplate = "default";

    public string? BosToken { get; init; }

    public string? EosToken { get; init; }

    // Take back spaces before punctuation when decoding ("clean_up_tokenization_spaces").
    public bool CleanUpSpaces { get; init; }

    // End-of-text ids that generation_config.json lists.
    public IReadOnlyList<int> EosTokenIds { get; init; } = [];

    // Template sources by name; the usual one is "default".
    public IReadOnlyDictionary<string, string> ChatTemplates { get; init; } =
        new Dictionary<string, string>();

    public string? ChatTemplate => ChatTemplates.GetValueOrDefault(DefaultTemplate);

    public static TokenizerConfig Load(string directory)
    {
        var config = new TokenizerConfig();
        if (JsonFile.TryRead(directory, ConfigFile) is { } json)
        {
            config = Parse(json);
        }
        if (JsonFile.TryRead(directory, GenerationFile) is { } generation)
        {
            config = config with { EosTokenIds = ParseEosIds(generation) };
        }
        var template = Path.Combine(directory, TemplateFile);
        if (File.Exists(template))
        {
            var templates = new Dictionary<string, string>(config.ChatTemplates)
            {
                [DefaultTemplate] = File.ReadAllText(template),
            };
            config = config with { ChatTemplates = templates };
        }
        return config;
    }

    // The content of a tokenizer_config.json.
    public static TokenizerConfig Parse(ReadOnlyMemory<byte> json) =>
        JsonFile.Parse(ConfigFile, json, static root => new TokenizerConfig
        {
            BosToken = ReadToken(root.Optional("bos_token")),
            EosToken = ReadToken(root.Optional("eos_token")),
            CleanUpSpaces = root.Flag("clean_up_tokenization_spaces", absent: false),
            ChatTemplates = ReadTemplates(root.Optional("chat_template")),
        });

    private static string? ReadToken(FileNode? token) => token switch
    {
        null => null,
        { Element.ValueKind: JsonValueKind.Object } node => node.Text("content"),
        { } node => node.AsText(),
    };

    private static Dictionary<string, string> ReadTemplates(FileNode? templates)
    {
        var byName = new Dictionary<string, string>();
        if (templates is not { } node)
        {
            return byName;
        }
        if (node.Element.ValueKind == JsonValueKind.String)
        {
            byName[DefaultTemplate] = node.AsText();
            return byName;
        }
        foreach (var item in node.AsItems())
        {
            byName[item.Text("name")] = item.Text("template");
        }
        return byName;
    }

    private static int[] ParseEosIds(ReadOnlyMemory<byte> json) =>
        JsonFile.Parse(GenerationFile, json, static root =>
        {
            if (root.Optional("eos_token_id") is not { } node)
            {
                return [];
            }
            var items = node.Element.ValueKind == JsonValueKind.Array ? node.AsItems() : [node];
            return items.Select(static id => id.AsInteger(0, VocabularyLimits.MaximumId)).ToArray();
        });
}
