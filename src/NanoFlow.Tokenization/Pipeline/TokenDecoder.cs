// Turns the text of a token into the bytes it stands for. A decoder is a row of steps, each a line
// in the table below; the row is applied to every token when the tokenizer is loaded, and decoding
// is then only the joining of bytes. What a token stands for may depend on whether it comes first
// or last in the sequence; what depends on more than that is in the traits below.

using System.Globalization;
using System.Text;

namespace NanoFlow.Tokenization.Pipeline;

// A token on its way through the steps. Bytes is null while it is still text.
internal readonly record struct DecodedToken(string Text, byte[]? Bytes)
{
    public bool IsFirst { get; init; }

    public bool IsLast { get; init; }
}

internal sealed class TokenDecoder
{
    private static readonly Dictionary<string, Action<FileNode, TokenDecoder>> Kinds = new()
    {
        ["Sequence"] = static (node, decoder) => decoder.AddAll(node.Items("decoders")),
        ["ByteLevel"] = static (_, decoder) => decoder._steps.Add(FromByteLevel),
        ["ByteFallback"] = AddByteFallback,
        ["Replace"] = AddReplace,
        ["Fuse"] = static (_, decoder) => decoder._fused = true,
        ["Strip"] = AddStrip,
        ["Metaspace"] = AddMetaspace,
        ["WordPiece"] = AddWordPiece,
        ["BPEDecoder"] = AddWordEnds,
        ["CTC"] = AddCtc,
    };

    private readonly List<Func<DecodedToken, DecodedToken>> _steps = [];
    private bool _fused;

    // Spaces to drop from the start of a decoded sequence.
    public int LeadingSpaces { get; private set; }

    // The first token of a sequence differs from the same token elsewhere; likewise the last.
    public bool FirstDiffers { get; private set; }

    public bool LastDiffers { get; private set; }

    // A token that repeats the one before stands for nothing.
    public bool DropsRepeats { get; private set; }

    // Invalid bytes become one U+FFFD each, not one for each maximal subpart of a character.
    public bool ReplacesEachByte { get; private set; }

    // Files without a decoder (null) join tokens with spaces.
    public static TokenDecoder Read(FileNode? node)
    {
        var decoder = new TokenDecoder();
        if (node is { } given)
        {
            decoder.AddAll([given]);
            if (decoder.FirstDiffers && decoder.LastDiffers)
            {
                throw given.Error("steps that mark the first and the last token do not combine");
            }
        }
        else
        {
            decoder.FirstDiffers = true;
            decoder._steps.Add(static t => t.IsFirst ? t : t with { Text = " " + t.Text });
        }
        return decoder;
    }

    public byte[] Decode(string token, bool isFirst, bool isLast)
    {
        var decoded = new DecodedToken(token, null) { IsFirst = isFirst, IsLast = isLast };
        foreach (var step in _steps)
        {
            decoded = decoded.Bytes is null ? step(decoded) : decoded;
        }
        return decoded.Bytes ?? Encoding.UTF8.GetBytes(decoded.Text);
    }

    private void AddAll(IEnumerable<FileNode> nodes)
    {
        foreach (var node in nodes)
        {
            if (!Kinds.TryGetValue(node.Type, out var add))
            {
                throw node.UnsupportedType();
            }
            add(node, this);
        }
    }

    // A token with any character outside the byte alphabet (an added token) is plain text.
    private static DecodedToken FromByteLevel(DecodedToken token)
    {
        var bytes = new byte[token.Text.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            if (!ByteAlphabet.TryByteOf(token.Text[i], out bytes[i]))
            {
                return token;
            }
        }
        return token with { Bytes = bytes };
    }

    private static void AddByteFallback(FileNode node, TokenDecoder decoder)
    {
        decoder.ReplacesEachByte = true;
        decoder._steps.Add(FromByteToken);
    }

    private static DecodedToken FromByteToken(DecodedToken token)
    {
        var text = token.Text;
        var isByte = text.Length == 6 && text.StartsWith("<0x", StringComparison.Ordinal)
            && text[5] == '>';
        return isByte && byte.TryParse(
                text.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, null, out var value)
            ? token with { Bytes = [value] }
            : token;
    }

    private static void AddReplace(FileNode node, TokenDecoder decoder)
    {
        var content = node.Text("content");
        var literal = node.Child("pattern").OptionalText("String");
        if (decoder._fused && literal is not { Length: 1 })
        {
            throw node.Error("after Fuse only a pattern of one character is supported");
        }
        if (literal is null)
        {
            var pattern = SplitPreTokenizer.ReadPattern(node);
            decoder._steps.Add(token => token with
            {
                Text = Normalizer.Replace(token.Text, pattern, content),
            });
            return;
        }
        if (literal.Length == 0)
        {
            throw node.Error("the pattern is empty");
        }
        decoder._steps.Add(token => token with
        {
            Text = token.Text.Replace(literal, content, StringComparison.Ordinal),
        });
    }

    // After Fuse the whole text is one token, so Strip concerns the start of the sequence only.
    private static void AddStrip(FileNode node, TokenDecoder decoder)
    {
        var sign = node.Text("content");
        var start = node.Integer("start", 0, 1024);
        var stop = node.Integer("stop", 0, 1024);
        if (sign.Length != 1 || (decoder._fused && (sign != " " || stop != 0)))
        {
            throw node.Error(
                "only a strip of one character is supported, after Fuse one of leading spaces");
        }
        if (decoder._fused)
        {
            decoder.LeadingSpaces = start;
            return;
        }
        decoder._steps.Add(token => token with
        {
            Text = Strip(token.Text, sign[0], start, stop),
        });
    }

    private static string Strip(string text, char sign, int start, int stop)
    {
        var first = 0;
        while (first < Math.Min(start, text.Length) && text[first] == sign)
        {
            first++;
        }
        var last = text.Length;
        while (last > first && text.Length - last < stop && text[last - 1] == sign)
        {
            last--;
        }
        return text[first..last];
    }

    // Every sign in the first token goes, also those that were typed; that is its definition.
    private static void AddMetaspace(FileNode node, TokenDecoder decoder)
    {
        var sign = MetaspacePreTokenizer.ReadSign(node).ToString();
        var prepends = MetaspacePreTokenizer.ReadScheme(node) != "never";
        decoder.FirstDiffers |= prepends;
        decoder._steps.Add(token => token with
        {
            Text = token.Text.Replace(
                sign, prepends && token.IsFirst ? "" : " ", StringComparison.Ordinal),
        });
    }

    private static void AddWordPiece(FileNode node, TokenDecoder decoder)
    {
        var prefix = node.OptionalText("prefix") ?? "##";
        var cleans = node.Flag("cleanup", absent: true);
        decoder.FirstDiffers = true;
        decoder._steps.Add(token =>
        {
            var text = token.IsFirst ? token.Text
                : token.Text.StartsWith(prefix, StringComparison.Ordinal)
                    ? token.Text[prefix.Length..]
                    : " " + token.Text;
            return token with { Text = cleans ? SpaceCleanup.OfToken(text) : text };
        });
    }

    private static void AddWordEnds(FileNode node, TokenDecoder decoder)
    {
        var suffix = node.OptionalText("suffix") is { Length: > 0 } given ? given : "</w>";
        decoder.LastDiffers = true;
        decoder._steps.Add(token => token with
        {
            Text = token.Text.Replace(
                suffix, token.IsLast ? "" : " ", StringComparison.Ordinal),
        });
    }

    private static void AddCtc(FileNode node, TokenDecoder decoder)
    {
        var pad = node.OptionalText("pad_token") is { Length: > 0 } given ? given : "<pad>";
        var delimiter = node.OptionalText("word_delimiter_token") ?? "|";
        var cleans = node.Flag("cleanup", absent: true);
        decoder.DropsRepeats = true;
        decoder._steps.Add(token =>
        {
            var text = token.Text.Replace(pad, "", StringComparison.Ordinal);
            return token with
            {
                Text = cleans
                    ? SpaceCleanup.OfToken(text)
                        .Replace(delimiter, " ", StringComparison.Ordinal)
                    : text,
            };
        });
    }
}
