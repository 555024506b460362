// Turns the text of a token into the bytes it stands for. A decoder is a row of steps, each a line
// in the table below; the row is applied to every token once, when the tokenizer is loaded, and
// decoding is then only the joining of bytes. What depends on the place of a token in the sequence
// is one number: how many leading spaces to drop from the start of the whole text.

using System.Globalization;
using System.Text;

namespace NanoFlow.Tokenization.Pipeline;

// Bytes is null while the token is still text.
internal readonly record struct DecodedToken(string Text, byte[]? Bytes);

internal sealed class TokenDecoder
{
    private static readonly Dictionary<string, Action<FileNode, TokenDecoder>> Kinds = new()
    {
        ["Sequence"] = static (node, decoder) => decoder.AddAll(node.Items("decoders")),
        ["ByteLevel"] = static (_, decoder) => decoder._steps.Add(FromByteLevel),
        ["ByteFallback"] = static (_, decoder) => decoder._steps.Add(FromByteToken),
        ["Replace"] = AddReplace,
        ["Fuse"] = static (_, decoder) => decoder._fused = true,
        ["Strip"] = AddStrip,
    };

    private readonly List<Func<DecodedToken, DecodedToken>> _steps = [];
    private bool _fused;

    // Spaces to drop from the start of a decoded sequence.
    public int LeadingSpaces { get; private set; }

    public static TokenDecoder Read(FileNode node)
    {
        var decoder = new TokenDecoder();
        decoder.AddAll([node]);
        return decoder;
    }

    public byte[] Decode(string token)
    {
        var decoded = new DecodedToken(token, null);
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
        var pattern = node.Child("pattern").OptionalText("String")
            ?? throw node.Error("only a pattern of type String is supported");
        var content = node.Text("content");
        if (pattern.Length == 0)
        {
            throw node.Error("the pattern is empty");
        }
        decoder._steps.Add(token => token with
        {
            Text = token.Text.Replace(pattern, content, StringComparison.Ordinal),
        });
    }

    // After Fuse the whole text is one token, so Strip concerns the start of the sequence only.
    private static void AddStrip(FileNode node, TokenDecoder decoder)
    {
        if (node.Text("content") != " " || node.Integer("stop", 0, int.MaxValue) != 0
            || !decoder._fused)
        {
            throw node.Error("only a strip of leading spaces after Fuse is supported");
        }
        decoder.LeadingSpaces = node.Integer("start", 0, 1);
    }
}
