// Files that cannot be used: each gets one line that names the file, the place and the reason.

using System.Text;
using System.Text.Json.Nodes;

namespace NanoFlow.Tokenization.Tests;

public sealed class TokenizerFormatTests
{
    public static readonly TheoryData<string, string, string> Defects = new()
    {
        { "model", """{"type":"Odd"}""", "$.model: type 'Odd' is not supported" },
        { "model", """{"type":"Unigram"}""", "$.model: 'vocab' is missing" },
        { "model", """{"type":"Unigram","vocab":{"a":0}}""", "$.model.vocab: must be an array" },
        { "model", """{"type":"Unigram","vocab":[["a"]]}""", "$.model.vocab: entry 0" },
        { "model", """{"type":"Unigram","vocab":[["a",1e999]]}""", "$.model.vocab: entry 0" },
        {
            "model",
            """{"type":"Unigram","vocab":[["a",0]],"unk_id":1}""",
            "$.model.unk_id: must be an integer from 0 to 0"
        },
        { "model", """{"type":"WordPiece","vocab":{"a":0}}""", "unk_token '[UNK]'" },
        {
            "model",
            """{"type":"WordPiece","vocab":{"[UNK]":0},"max_input_chars_per_word":-1}""",
            "$.model.max_input_chars_per_word: must be"
        },
        { "model", "7", "$.model: must be an object" },
        { "model", """{"type":"BPE","merges":[]}""", "$.model: 'vocab' is missing" },
        { "model", """{"type":"BPE","vocab":{"a":-1},"merges":[]}""", "$.model.vocab: entry 0" },
        {
            "model",
            """{"type":"BPE","vocab":{"a":4194304},"merges":[]}""",
            "$.model.vocab: entry 0"
        },
        { "model", """{"type":"BPE","vocab":{"a":0.5},"merges":[]}""", "$.model.vocab: entry 0" },
        {
            "model",
            """{"type":"BPE","vocab":{"a":0},"merges":["a b"]}""",
            "$.model.merges: entry 0: 'a' + 'b'"
        },
        {
            "model",
            """{"type":"BPE","vocab":{"a":0},"merges":["ab"]}""",
            "$.model.merges: entry 0: must be"
        },
        {
            "model",
            """{"type":"BPE","vocab":{"a":0},"merges":[["a"]]}""",
            "$.model.merges: entry 0: must be"
        },
        { "model", """{"type":"BPE","vocab":{},"merges":[],"dropout":0.1}""", "'dropout'" },
        { "model", """{"type":"BPE","vocab":{},"merges":[],"dropout":"x"}""", "tokenizer.json" },
        { "model", """{"type":"BPE","vocab":{},"merges":[],"unk_token":"u"}""", "unk_token 'u'" },
        {
            "model",
            """{"type":"BPE","vocab":{"a":0},"merges":[],"end_of_word_suffix":7}""",
            "$.model.end_of_word_suffix: must be a string"
        },
        { "normalizer", """{"type":"Odd"}""", "$.normalizer: type 'Odd' is not supported" },
        {
            "normalizer",
            """{"type":"Precompiled","precompiled_charsmap":"?"}""",
            "'precompiled_charsmap' must be base64"
        },
        {
            "normalizer",
            """{"type":"Precompiled","precompiled_charsmap":"CAAAAAAAAAA="}""",
            "'precompiled_charsmap' must begin with the size of its trie"
        },
        {
            "normalizer",
            """{"type":"Sequence","normalizers":[{"type":"X"}]}""",
            "$.normalizer.normalizers[0]"
        },
        { "pre_tokenizer", """{"type":"Odd"}""", "$.pre_tokenizer: type 'Odd' is not supported" },
        { "pre_tokenizer", """{"type":"Split","pattern":{"Regex":"(a"},"behavior":"Isolated"}""",
            "$.pre_tokenizer.pattern: pattern '(a' at character 2: ')' expected" },
        {
            "pre_tokenizer",
            """{"type":"Split","pattern":{"String":"a"},"behavior":"Both"}""",
            "'Both'"
        },
        { "post_processor", """{"type":"Odd"}""", "$.post_processor: type 'Odd'" },
        {
            "post_processor",
            """{"type":"TemplateProcessing","single":[]}""",
            "must contain the sequence"
        },
        { "pre_tokenizer", """{"type":"FixedLength","length":0}""", "length: must be an integer" },
        { "decoder", """{"type":"Odd"}""", "$.decoder: type 'Odd' is not supported" },
        {
            "decoder",
            """{"type":"Sequence","decoders":[{"type":"WordPiece"},{"type":"BPEDecoder"}]}""",
            "$.decoder: steps that mark the first and the last token do not combine"
        },
        {
            "decoder",
            """{"type":"Strip","content":"ab","start":1,"stop":0}""",
            "$.decoder: only a strip of one character"
        },
        {
            "added_tokens",
            """[{"id":-1,"content":"x"}]""",
            "$.added_tokens[0].id: must be an integer"
        },
        { "added_tokens", """[{"id":1}]""", "$.added_tokens[0]: 'content' is missing" },
    };

    [Theory]
    [MemberData(nameof(Defects))]
    public void Parse_Defect_NamesFileAndPlace(string part, string value, string expected)
    {
        var json = SmallTokenizers.ByteLevel([]);
        json[part] = JsonNode.Parse(value);
        var error = Assert.Throws<TokenizerFormatException>(() => SmallTokenizers.Parse(json));
        Assert.StartsWith("tokenizer.json: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]},\"decoder\":")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"\ud800":1},"merges":[]},"decoder":{}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":1},"merges":["\ud800"]},"decoder":{}}""")]
    public void Parse_NotATokenizer_IsRefused(string json)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        Assert.Throws<TokenizerFormatException>(() => Tokenizer.Parse(bytes));
    }

    [Fact]
    public void Load_FolderWithoutTokenizer_NamesTheFile()
    {
        var error = Assert.Throws<TokenizerFormatException>(
            () => Tokenizer.Load(Path.Combine(Path.GetTempPath(), "no-such-folder")));
        Assert.Contains("tokenizer.json: not found", error.Message, StringComparison.Ordinal);
    }

    // Random truncations and random changes of a file: loaded or refused, nothing else.
    [Fact]
    public void Parse_DamagedFile_IsLoadedOrRefused()
    {
        var json = SmallTokenizers.ByteLevel(["a b", "ab c"], "<s>");
        json["pre_tokenizer"] = JsonNode.Parse(SmallTokenizers.Llama3PreTokenizer);
        var bytes = Encoding.UTF8.GetBytes(json.ToJsonString());
        var random = new Random(11);
        for (var i = 0; i < 300; i++)
        {
            var damaged = bytes.ToArray();
            for (var n = random.Next(1, 4); n > 0; n--)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(32, 127);
            }
            LoadOrRefuse(damaged);
            LoadOrRefuse(bytes.AsMemory(0, random.Next(bytes.Length)));
        }
    }

    private static void LoadOrRefuse(ReadOnlyMemory<byte> json)
    {
        try
        {
            Assert.NotNull(Tokenizer.Parse(json));
        }
        catch (TokenizerFormatException e)
        {
            Assert.NotEmpty(e.Message);
        }
    }
}
