// The tokenizer of a random model: tokenizer.json and tokenizer_config.json for a vocabulary of
// any size that needs no training text.
//
// Ids 0-255 are the bytes (id = byte value), 256-260 the special tokens of Llama 3, the rest is
// filler " t261", " t262", ... Without merges an encoded text is its bytes, so filler never comes
// out of encoding, but a random model samples it and it decodes to readable text. Filler lies in
// the vocabulary table, at about 14 bytes each; as added tokens it would take ten times that.

using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace NanoFlow.Models;

internal static class ByteTokenizer
{
    internal const string FileName = "tokenizer.json";
    internal const string ConfigFileName = "tokenizer_config.json";

    internal const int BeginOfText = 256;
    internal const int EndOfText = 257;
    internal const int EndOfTurn = 260;

    private const int ByteCount = 256;

    private static readonly string[] SpecialTokens =
    [
        "<|begin_of_text|>",
        "<|end_of_text|>",
        "<|start_header_id|>",
        "<|end_header_id|>",
        "<|eot_id|>",
    ];

    // The word split of Llama 3: contractions, letters, up to 3 digits, signs, line ends, space.
    private const string SplitPattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
        + @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    // The turn format of Llama 3.
    private const string ChatTemplate =
        """
        {{- bos_token }}
        {%- for message in messages %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}
        {{- message['content'] | trim + '<|eot_id|>' }}
        {%- endfor %}
        {%- if add_generation_prompt %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
        {%- endif %}
        """;

    private const string ByteLevelSplit =
        """{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}""";

    private const string ByteLevelDecoder =
        """{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}""";

    private const string BeginThenText =
        """
        {"type":"TemplateProcessing",
        "single":[{"SpecialToken":{"id":"<|begin_of_text|>","type_id":0}},
        {"Sequence":{"id":"A","type_id":0}}],
        "pair":[{"SpecialToken":{"id":"<|begin_of_text|>","type_id":0}},
        {"Sequence":{"id":"A","type_id":0}},
        {"SpecialToken":{"id":"<|begin_of_text|>","type_id":1}},
        {"Sequence":{"id":"B","type_id":1}}],
        "special_tokens":{"<|begin_of_text|>":{"id":"<|begin_of_text|>","ids":[256],
        "tokens":["<|begin_of_text|>"]}}}
        """;

    // Keeps the byte alphabet readable and at two bytes a character.
    private static readonly JsonWriterOptions Compact = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    internal static int MinVocab => ByteCount + SpecialTokens.Length;

    internal static void Write(string folder, ModelConfig config)
    {
        using (var stream = File.Create(Path.Combine(folder, FileName)))
        {
            using var json = new Utf8JsonWriter(stream, Compact);
            WriteTokenizer(json, config.VocabSize);
        }

        using var configStream = File.Create(Path.Combine(folder, ConfigFileName));
        using var configJson = new Utf8JsonWriter(
            configStream, Compact with { Indented = true });
        WriteConfig(configJson, config);
    }

    private static void WriteTokenizer(Utf8JsonWriter json, int vocabSize)
    {
        json.WriteStartObject();
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WriteStartArray("added_tokens");
        for (var i = 0; i < SpecialTokens.Length; i++)
        {
            WriteAddedToken(json, SpecialTokens[i], ByteCount + i);
        }

        json.WriteEndArray();
        json.WriteNull("normalizer");
        WritePreTokenizer(json);
        json.WritePropertyName("post_processor");
        json.WriteRawValue(BeginThenText);
        json.WritePropertyName("decoder");
        json.WriteRawValue(ByteLevelDecoder);
        WriteModel(json, vocabSize);
        json.WriteEndObject();
    }

    private static void WriteAddedToken(Utf8JsonWriter json, string content, int? id)
    {
        json.WriteStartObject();
        if (id is not null)
        {
            json.WriteNumber("id", id.Value);
        }

        json.WriteString("content", content);
        json.WriteBoolean("single_word", false);
        json.WriteBoolean("lstrip", false);
        json.WriteBoolean("rstrip", false);
        json.WriteBoolean("normalized", false);
        json.WriteBoolean("special", true);
        json.WriteEndObject();
    }

    private static void WritePreTokenizer(Utf8JsonWriter json)
    {
        json.WriteStartObject("pre_tokenizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("pretokenizers");
        json.WriteStartObject();
        json.WriteString("type", "Split");
        json.WriteStartObject("pattern");
        json.WriteString("Regex", SplitPattern);
        json.WriteEndObject();
        json.WriteString("behavior", "Isolated");
        json.WriteBoolean("invert", false);
        json.WriteEndObject();
        json.WriteRawValue(ByteLevelSplit);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteModel(Utf8JsonWriter json, int vocabSize)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        json.WriteNull("unk_token");
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", false);
        json.WriteBoolean("byte_fallback", false);
        json.WriteBoolean("ignore_merges", false);
        json.WriteStartObject("vocab");
        for (var id = 0; id < vocabSize; id++)
        {
            json.WriteNumber(Token(id), id);
        }

        json.WriteEndObject();
        json.WriteStartArray("merges");
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteConfig(Utf8JsonWriter json, ModelConfig config)
    {
        json.WriteStartObject();
        json.WriteStartObject("added_tokens_decoder");
        for (var i = 0; i < SpecialTokens.Length; i++)
        {
            json.WritePropertyName((ByteCount + i).ToString(CultureInfo.InvariantCulture));
            WriteAddedToken(json, SpecialTokens[i], id: null);
        }

        json.WriteEndObject();
        json.WriteString("bos_token", Token(BeginOfText));
        json.WriteString("eos_token", Token(EndOfTurn));
        json.WriteString("chat_template", ChatTemplate);
        json.WriteBoolean("clean_up_tokenization_spaces", false);
        json.WriteNumber("model_max_length", config.MaxPositions);
        json.WriteString("tokenizer_class", "PreTrainedTokenizerFast");
        json.WriteEndObject();
    }

    private static string Token(int id) => id switch
    {
        < ByteCount => ByteSymbol(id).ToString(),
        < EndOfTurn + 1 => SpecialTokens[id - ByteCount],
        _ => string.Create(CultureInfo.InvariantCulture, $"{ByteSymbol(' ')}t{id}"),
    };

    // The byte alphabet of GPT-2: printable Latin-1 stands for itself, the 68 other bytes are
    // numbered from U+0100 in the order of their values.
    private static char ByteSymbol(int value) => value switch
    {
        <= 32 => (char)(0x100 + value),
        >= 127 and <= 160 => (char)(0x100 + 33 + value - 127),
        173 => (char)(0x100 + 67),
        _ => (char)value,
    };
}
