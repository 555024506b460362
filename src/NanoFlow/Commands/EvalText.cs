// The text that a model is evaluated on: token ids of a file, or a text that becomes tokens.

using System.Globalization;
using System.Text;
using NanoFlow.Cli;
using NanoFlow.Models;
using NanoFlow.Server;
using NanoFlow.Tokenization;

namespace NanoFlow.Commands;

/// <param name="Prefix">What the tokenizer puts before a text.</param>
internal sealed record EvalText(IReadOnlyList<int> Tokens, IReadOnlyList<int> Prefix)
{
    // Hours of computing on a CPU; more has to be a mistake.
    private const int MaxFileBytes = 16 << 20;

    public static readonly Flag<string> TokensFlag = new(
        "--tokens", "FILE", "a file of token ids between blanks or line ends", "none",
        "what is evaluated, as tokens",
        Read.Text);

    public static readonly Flag<string> TextFlag = new(
        "--text", "FILE", $"a UTF-8 text of up to {MaxFileBytes >> 20} MiB", "none",
        "what is evaluated, as text; special tokens that are spelt out in it count as such",
        Read.Text);

    /// <exception cref="UsageException">Not one of the two flags was given.</exception>
    /// <exception cref="CommandException">The file is none, or holds other tokens than the
    /// model's.</exception>
    public static EvalText Of(Given given, ModelSource source)
    {
        var vocab = source.Config.VocabSize;
        return (given.All(TokensFlag), given.All(TextFlag)) switch
        {
            ([.., var ids], []) => new EvalText(ReadIds(ids, ReadText(ids), vocab), []),
            ([], [.., var text]) => Encode(text, ReadText(text), source),
            _ => throw new UsageException("--tokens or --text is wanted, one of the two"),
        };
    }

    /// <summary>Ids between white space.</summary>
    private static List<int> ReadIds(string path, string text, int vocab)
    {
        var ids = new List<int>();
        var number = 0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            number++;
            foreach (var range in line.SplitAny(" \t"))
            {
                var word = line[range];
                if (!word.IsEmpty)
                {
                    ids.Add(ReadId(word, vocab, $"{path}: line {number}, token {ids.Count + 1}"));
                }
            }
        }

        return ids;
    }

    private static int ReadId(ReadOnlySpan<char> word, int vocab, string place)
    {
        const int ShownChars = 20;
        var isId = int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var id);
        return isId && id < vocab
            ? id
            : throw new CommandException(
                $"{place} is '{word[..Math.Min(word.Length, ShownChars)]}', an id from 0 to "
                + $"{vocab - 1} is wanted");
    }

    private static EvalText Encode(string path, string text, ModelSource source)
    {
        var tokenizer = ModelTokenizer.Load(source);
        var tokens = tokenizer.Encode(text, addSpecialTokens: false);
        var prefix = tokenizer.Encode("", addSpecialTokens: true);
        var vocab = source.Config.VocabSize;
        return tokens.Concat(prefix).Any(id => id >= vocab)
            ? throw new CommandException(
                $"{path}: the tokenizer makes token {tokens.Concat(prefix).Max()} of it, the "
                + $"model has {vocab}")
            : new EvalText(tokens, prefix);
    }

    private static string ReadText(string path)
    {
        // Pipes have no length to ask for.
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read);
        var bytes = new byte[MaxFileBytes + 1];
        var count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (count > MaxFileBytes)
        {
            throw new CommandException(
                $"{path}: has more than the {MaxFileBytes} bytes that are allowed");
        }

        var utf8 = new UTF8Encoding(
            encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
        using var reader = new StreamReader(new MemoryStream(bytes, 0, count), utf8);
        try
        {
            return reader.ReadToEnd();
        }
        catch (DecoderFallbackException)
        {
            throw new CommandException($"{path}: is not UTF-8 text");
        }
    }
}
