// A tokenizer loaded from the files that models are published with. Text goes through a row of
// parts, each read from tokenizer.json or made from a GGUF file: added tokens are found first, what
// lies between is normalised, cut into pieces and encoded by the model; ids become text through the
// bytes of their tokens. Immutable and safe for use by many threads; the scratch memory of encoding
// is pooled.

using System.Collections.Concurrent;
using System.Text;
using NanoFlow.Tokenization.Gguf;
using NanoFlow.Tokenization.Models;
using NanoFlow.Tokenization.Pipeline;

namespace NanoFlow.Tokenization;

public sealed class Tokenizer
{
    private const string TokenizerFile = "tokenizer.json";

    private static readonly EncodeOptions WithoutSpecial = new() { AddSpecialTokens = false };

    private readonly EncodePipeline _pipeline;
    private readonly HashSet<int> _specialIds;
    private readonly ConcurrentQueue<EncodeScratch> _scratch = [];

    internal Tokenizer(TokenizerParts parts, TokenizerConfig config)
    {
        var added = parts.Added;
        Decoder = parts.Decoder;
        _pipeline = new EncodePipeline(parts);
        var tokens = parts.Tokens.Select(static token => (token.Text, token.Id, token.Text))
            .Concat(added.Select(t => (t.Content, t.Id, _pipeline.SpellingOf(t))));
        Vocabulary = new Vocabulary([.. tokens], Decoder);
        _specialIds = [.. added.Where(static token => token.Special).Select(token => token.Id)];
        CleansUpSpaces = config.CleanUpSpaces && parts.Model is not BpeModel;
        Config = config;
        BosTokenId = config.BosToken is null ? null : TokenId(config.BosToken);
        EosTokenId = config.EosToken is null ? null : TokenId(config.EosToken);
        var ends = EosTokenId is { } eos ? config.EosTokenIds.Prepend(eos) : config.EosTokenIds;
        EosTokenIds = [.. ends.Distinct()];
    }

    public TokenizerConfig Config { get; }

    public int? BosTokenId { get; }

    public int? EosTokenId { get; }

    // Ids that end a text: the EOS token's and those that generation_config.json lists.
    public IReadOnlyList<int> EosTokenIds { get; }

    // The highest token id plus one.
    public int VocabularySize => Vocabulary.Size;

    internal Vocabulary Vocabulary { get; }

    internal TokenDecoder Decoder { get; }

    // Never with BPE, whose spaces are those of the text.
    internal bool CleansUpSpaces { get; }

    public static Tokenizer Load(string directory)
    {
        var json = JsonFile.TryRead(directory, TokenizerFile)
            ?? throw new TokenizerFormatException($"{TokenizerFile}: not found in {directory}");
        return Parse(json, TokenizerConfig.Load(directory));
    }

    // The content of a tokenizer.json.
    public static Tokenizer Parse(
        ReadOnlyMemory<byte> tokenizerJson, TokenizerConfig? config = null) =>
        JsonFile.Parse(
            TokenizerFile,
            tokenizerJson,
            root => new Tokenizer(TokenizerParts.Read(root), config ?? new TokenizerConfig()));

    // The metadata of a GGUF file by key: numbers as long or double, bool, string, and lists of
    // string or double.
    public static Tokenizer FromGguf(string file, IReadOnlyDictionary<string, object> metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        return GgufTokenizer.Read(new GgufMetadata(file, metadata));
    }

    public int[] Encode(string text, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>();
        Encode(text, ids, addSpecialTokens ? EncodeOptions.Default : WithoutSpecial);
        return [.. ids];
    }

    // Appends the ids of the text; returns how many there are. A lone surrogate counts as U+FFFD.
    public int Encode(ReadOnlySpan<char> text, List<int> ids, EncodeOptions options)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(options);
        var before = ids.Count;
        var scratch = _scratch.TryDequeue(out var pooled) ? pooled : new EncodeScratch();
        _pipeline.Encode(text, scratch, ids, options);
        scratch.Ids = [];
        if (scratch.IsSmall && _scratch.Count < Environment.ProcessorCount)
        {
            _scratch.Enqueue(scratch);
        }
        return ids.Count - before;
    }

    // For text of a user that goes through a chat template: the prompt, encoded with
    // EncodeOptions.Chat, then holds "<|eot_id|>" and the like in this text as plain text, while
    // those the template writes stay tokens.
    public string GuardSpecialTokens(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return _pipeline.GuardSpecial(text);
    }

    // Bytes that are not valid UTF-8 become U+FFFD; ids outside the vocabulary stand for nothing.
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = true)
    {
        var detokenizer = new IncrementalDetokenizer(this, skipSpecialTokens);
        foreach (var id in ids)
        {
            detokenizer.Append(id);
        }
        detokenizer.Flush();
        return Encoding.UTF8.GetString(detokenizer.Text);
    }

    // The bytes the token stands for inside a text, not always whole characters; empty for an
    // unused id.
    public ReadOnlySpan<byte> TokenBytes(int id) => Vocabulary.Bytes(id);

    // The token as the vocabulary spells it; null for an unused id.
    public string? TokenText(int id) => Vocabulary.Text(id);

    public int? TokenId(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return Vocabulary.Id(token);
    }

    public bool IsSpecial(int id) => _specialIds.Contains(id);
}
