// How byte-level tokenizers cut text into pieces, by the names that GGUF files use for it. A row
// has one or more patterns; each cuts the pieces that the one before has left. The patterns are
// those of the models' own tokenizer.json.

using NanoFlow.Tokenization.Patterns;
using NanoFlow.Tokenization.Pipeline;

namespace NanoFlow.Tokenization.Gguf;

internal sealed record GgufSplit(string[] Names, params string[] Patterns)
{
    // A piece that is a token as a whole is that token, whatever merges would make of it.
    public bool IgnoresMerges { get; init; }

    // Where the file does not say.
    public bool AddsBos { get; init; }

    // Text is composed first (NFC).
    public bool Composes { get; init; }
}

internal static class GgufSplits
{
    public const string Default = "default";

    private const string Gpt2 =
        @"'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";

    // Marks with the line breaks behind them, and white space.
    private const string Rest = @" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string Llama3 =
        Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + Rest;

    private const string Qwen2 = Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + Rest;

    // Words of upper case letters that may go on in lower case, or the other way round.
    private const string UpperThenLower =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+";

    private const string UpperWord =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*";

    private const string RestWithSlash =
        @" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string ChineseOrKorean = "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+";

    private const string ChineseOrJapanese = "[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+";

    private const string DeepSeekMarks =
        "\\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+";

    private const string DeepSeekWords =
        @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"
        + @"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
        + @"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    // Letters of the scripts that have upper and lower case.
    private const string CasedLetters =
        "A-Za-z\u00B5\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u01BA\u01BC-\u01BF\u01C4-\u0293"
        + "\u0295-\u02AF\u0370-\u0373\u0376-\u0377\u037B-\u037D\u037F\u0386\u0388-\u038A"
        + "\u038C\u038E-\u03A1\u03A3-\u03F5\u03F7-\u0481\u048A-\u052F\u0531-\u0556"
        + "\u10A0-\u10C5\u13A0-\u13F5\u13F8-\u13FD\u1C90-\u1CBA\u1CBD-\u1CBF\u1D00-\u1D2B"
        + "\u1D6B-\u1D77\u1D79-\u1D9A\u1E00-\u1F15\u1F18-\u1F1D\u1F20-\u1F45\u1F48-\u1F4D"
        + "\u1F50-\u1F57\u1F59\u1F5B\u1F5D\u1F5F-\u1F7D\u1F80-\u1FB4\u1FB6-\u1FBC\u1FBE"
        + "\u1FC2-\u1FC4\u1FC6-\u1FCC\u1FD0-\u1FD3\u1FD6-\u1FDB\u1FE0-\u1FEC\u1FF2-\u1FF4"
        + "\u1FF6-\u1FFC\u2102\u2107\u210A-\u2113\u2115\u2119-\u211D\u2124\u2126\u2128"
        + "\u212A-\u212D\u212F-\u2134\u2139\u213C-\u213F\u2145-\u2149\u214E\u2183-\u2184"
        + "\u2C00-\u2C7B\u2C7E-\u2CE4\u2CEB-\u2CEE\u2CF2-\u2CF3\uA640-\uA66D\uA680-\uA69B"
        + "\uA722-\uA76F\uA771-\uA787\uA78B-\uA78E\uAB70-\uABBF\uFB00-\uFB06\uFB13-\uFB17"
        + "\uFF21-\uFF3A\uFF41-\uFF5A\U00010400-\U0001044F\U000104B0-\U000104D3"
        + "\U000104D8-\U000104FB\U00010C80-\U00010CB2\U00010CC0-\U00010CF2"
        + "\U000118A0-\U000118DF\U0001E900-\U0001E943";

    private static readonly GgufSplit[] Table =
    [
        new(["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "lfm2"], Llama3)
        {
            IgnoresMerges = true,
            AddsBos = true,
        },
        new(["dbrx", "smaug-bpe", "chatglm-bpe", "glm4"], Llama3),
        new(["qwen2", "deepseek-r1-qwen"], Qwen2) { Composes = true },
        new(["stablelm2", "hunyuan"], Qwen2),
        new(["gpt-2", "phi-2", "mpt", "olmo", "jais", "gigachat", "trillion"], Gpt2),
        new(
            ["starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b"],
            @"\p{N}",
            Gpt2),
        new(["falcon"], @"[\p{P}$+<=>^~|`]+", Gpt2, "[0-9][0-9][0-9]"),
        new([Default], @"[\p{P}$+<=>^~|]+", Gpt2, @"\p{N}+", "[0-9][0-9][0-9]"),
        new(
            ["deepseek-llm"],
            @"[\r\n]",
            @"\s?[" + CasedLetters + "]+",
            DeepSeekMarks,
            @"\s+$",
            ChineseOrKorean,
            @"\p{N}+"),
        new(["deepseek-coder"], @"[\r\n]", @"\s?\p{L}+", @"\s?\p{P}+", ChineseOrKorean, @"\p{N}"),
        new(["deepseek-v3"], @"\p{N}{1,3}", ChineseOrJapanese, DeepSeekWords),
        new(["tekken"], UpperThenLower + "|" + UpperWord + @"|\p{N}|" + RestWithSlash)
        {
            IgnoresMerges = true,
            AddsBos = true,
        },
        new(
            ["gpt-4o", "llama4"],
            UpperThenLower + Contractions + "?|" + UpperWord + Contractions + @"?|\p{N}{1,3}|"
            + RestWithSlash),
    ];

    public static string Names { get; } = string.Join(", ", Table.SelectMany(row => row.Names));

    public static GgufSplit? Find(string name) =>
        Array.Find(Table, row => row.Names.Contains(name));

    // Cuts, then spells the bytes of every piece.
    public static PreTokenizer PreTokenizer(GgufMetadata metadata, GgufSplit split) =>
        new PreTokenizerSequence(
        [
            .. split.Patterns.Select(pattern => new SplitPreTokenizer(
                TextPattern.Compile(pattern), SplitBehavior.Isolated, invert: false)),
            GgufTokenizer.Part(
                metadata,
                """{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}""",
                Pipeline.PreTokenizer.Read),
        ]);
}
