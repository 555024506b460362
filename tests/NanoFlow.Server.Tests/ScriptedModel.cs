// A model that recites: with an engine that counts upwards, ids that lie behind each other spell a
// text, cut into tokens as the test likes. A script is started by a prompt that ends with its cue
// and ended by an end token. '#' is not part of any text: it makes tokens that read the same
// different words of the vocabulary.

using System.Text.Json;
using NanoFlow.Models;
using NanoFlow.Server.Tools;
using NanoFlow.Tokenization;

namespace NanoFlow.Server.Tests;

public sealed class ScriptedModel
{
    private readonly Dictionary<string, int> _vocabulary = [];
    private readonly List<(string Content, bool Special)> _added = [];
    private readonly List<int> _ends = [];

    public ScriptedModel()
    {
        Add("[unk]");
    }

    public string Template { get; init; } = "{{ messages[-1]['content'] }}";

    public ReasoningMode Reasoning { get; init; }

    public ToolCallSyntax ToolCalls { get; init; }

    public int VocabSize => _vocabulary.Count;

    /// <summary>Adds a script; returns the text of its cue.</summary>
    public string AddScript(IEnumerable<string> pieces, string? cue = null)
    {
        cue ??= $"@{_ends.Count}@";
        AddWord(cue, special: false);
        foreach (var piece in pieces)
        {
            Add(piece);
        }

        _ends.Add(_vocabulary.Count);
        Add("[end]");
        return cue;
    }

    /// <summary>A word that is always one token, such as a mark.</summary>
    public void AddWord(string word, bool special)
    {
        _added.Add((word, special));
        _vocabulary.Add(word, _vocabulary.Count);
    }

    internal ServedModel ToServed(int maxModelLength)
    {
        var config = new TokenizerConfig
        {
            ChatTemplates = new Dictionary<string, string>
            {
                [TokenizerConfig.DefaultTemplate] = Template,
            },
        };
        return new ServedModel
        {
            Names = [EchoServer.ModelName],
            VocabSize = _vocabulary.Count,
            MaxModelLength = maxModelLength,
            Defaults = new GenerationDefaults { EosTokenIds = _ends },
            EndTokens = _ends,
            Tokenizer = Tokenizer.Parse(TokenizerJson(), config),
            ChatTemplate = ChatTemplate.Parse(Template),
            Reasoning = Reasoning,
            ToolCalls = ToolCalls,
        };
    }

    private void Add(string piece)
    {
        while (!_vocabulary.TryAdd(piece, _vocabulary.Count))
        {
            piece += "#";
        }
    }

    private byte[] TokenizerJson() => JsonSerializer.SerializeToUtf8Bytes(new
    {
        added_tokens = _added.Select(token => new
        {
            id = _vocabulary[token.Content],
            content = token.Content,
            single_word = false,
            lstrip = false,
            rstrip = false,
            normalized = false,
            special = token.Special,
        }),
        decoder = new
        {
            type = "Sequence",
            decoders = new object[]
            {
                new { type = "Replace", pattern = new { String = "#" }, content = "" },
                new { type = "Fuse" },
            },
        },
        model = new { type = "WordLevel", vocab = _vocabulary, unk_token = "[unk]" },
    });
}
