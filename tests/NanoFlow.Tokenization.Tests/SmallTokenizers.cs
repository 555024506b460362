// Hand-made tokenizers, small enough to work out the expected ids by hand.

using System.Text;
using System.Text.Json.Nodes;

namespace NanoFlow.Tokenization.Tests;

internal static class SmallTokenizers
{
    public const string Gpt2Pattern =
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    public const string Llama3Pattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
        + @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    public const string Qwen2Pattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
        + @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    public static readonly string Llama3PreTokenizer = $$"""
        {"type":"Sequence","pretokenizers":[
          {"type":"Split","pattern":{"Regex":{{JsonValue.Create(Llama3Pattern).ToJsonString()}}},
           "behavior":"Isolated","invert":false},
          {"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}
        """;

    // The character that stands for a byte in a byte-level vocabulary, worked out from its
    // definition: printable Latin-1 stays, the rest is numbered from U+0100.
    public static readonly char[] ByteChars = MakeByteChars();

    // 256 bytes as ids 0 to 255 (id = byte), then one id for each merge, then the added tokens.
    public static JsonObject ByteLevel(string[] merges, params string[] addedTokens)
    {
        var vocabulary = new JsonObject();
        for (var b = 0; b < 256; b++)
        {
            vocabulary[ByteChars[b].ToString()] = b;
        }
        foreach (var merge in merges)
        {
            vocabulary[merge.Replace(" ", "", StringComparison.Ordinal)] = vocabulary.Count;
        }
        var added = new JsonArray();
        foreach (var content in addedTokens)
        {
            added.Add(new JsonObject
            {
                ["id"] = vocabulary.Count + added.Count,
                ["content"] = content,
                ["special"] = true,
                ["normalized"] = false,
            });
        }
        return new JsonObject
        {
            ["added_tokens"] = added,
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "ByteLevel",
                ["add_prefix_space"] = false,
                ["use_regex"] = true,
            },
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(static m => JsonValue.Create(m))]),
            },
        };
    }

    public static Tokenizer Parse(JsonObject json, TokenizerConfig? config = null) =>
        Tokenizer.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()), config);

    private static char[] MakeByteChars()
    {
        var next = 0x100;
        return [.. Enumerable.Range(0, 256).Select(b =>
            b is > 32 and < 127 or > 160 and < 173 or > 173 ? (char)b : (char)next++)];
    }
}
