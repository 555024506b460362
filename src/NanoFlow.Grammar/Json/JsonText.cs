// The pieces of JSON text. Between them stands at most one space, or a line end with an indent:
// what models write, and never so much that they could go on with it forever.

using System.Text.Encodings.Web;
using System.Text.Json;
using NanoFlow.Grammar.Machine;

namespace NanoFlow.Grammar.Json;

internal sealed class JsonText(ProgramBuilder builder)
{
    // Twelve levels of two spaces; deeper ones are written on fewer.
    private const int Indent = 24;

    private static readonly CodePoints Blanks = new([(' ', ' '), ('\t', '\t')]);
    private static readonly CodePoints Control = new([(0, 0x1F)]);
    private static readonly CodePoints Escaped = Control.Union(new([('"', '"'), ('\\', '\\')]));

    /// <summary>Characters that stand for themselves.</summary>
    public static readonly CodePoints Plain = Escaped.Complement();

    private static readonly CodePoints HexDigits = new([('0', '9'), ('a', 'f'), ('A', 'F')]);

    // Those with a letter of their own behind the backslash.
    private static readonly (int CodePoint, char Letter)[] Letters =
    [
        ('"', '"'), ('\\', '\\'), ('\b', 'b'), ('\f', 'f'), ('\n', 'n'), ('\r', 'r'), ('\t', 't'),
    ];

    private int? _string;
    private int? _value;
    private int? _object;

    public ProgramBuilder Builder => builder;

    public JsonNumbers Numbers { get; } = new(builder);

    public int Space(int next)
    {
        var indent = builder.Counted(
            0, Indent, at => builder.Characters(Blanks, at), next);
        var line = builder.Range('\n', '\n', indent);
        return builder.Split(next, builder.Split(builder.Range(' ', ' ', next), line));
    }

    public int Comma(int next) => builder.Range(',', ',', Space(next));

    public int Colon(int next) => builder.Range(':', ':', Space(next));

    /// <summary>Any string.</summary>
    public int String(int next)
    {
        if (_string is null)
        {
            _string = builder.DeclareRule();
            var entry = Quoted(at => builder.Star(Character, at), builder.End);
            builder.DefineRule(_string.Value, entry);
        }
        return builder.Call(_string.Value, next);
    }

    /// <summary>A string with so many characters.</summary>
    public int String(int minimum, int maximum, int next) =>
        Quoted(at => builder.Counted(minimum, maximum, Character, at), next);

    public int Quoted(Func<int, int> content, int next) =>
        builder.Range('"', '"', content(builder.Range('"', '"', next)));

    /// <summary>Any character of a string.</summary>
    public int Character(int next)
    {
        var low = builder.Characters(new CodePoints([('8', '9'), ('a', 'b'), ('A', 'B')]),
            Hex(2, builder.Range('\\', '\\', builder.Range('u', 'u', D(
                builder.Characters(new CodePoints([('c', 'f'), ('C', 'F')]), Hex(2, next)))))));
        var plain = builder.Split(
            builder.Characters(HexDigits.Except(new([('d', 'd'), ('D', 'D')])), Hex(3, next)),
            D(builder.Split(builder.Range('0', '7', Hex(2, next)), low)));
        var letters = new CodePoints(
            Letters.Select(static l => ((int)l.Letter, (int)l.Letter)).Append(('/', '/')));
        var escape = builder.Split(
            builder.Characters(letters, next), builder.Range('u', 'u', plain));
        return builder.Split(
            builder.Characters(Plain, next), builder.Range('\\', '\\', escape));
    }

    /// <summary>A character of the set, written plainly where it can be.</summary>
    public int Character(CodePoints set, int next)
    {
        var entry = builder.Characters(set.Except(Escaped), next);
        foreach (var (low, high) in set.Intersect(Escaped).Ranges)
        {
            for (var codePoint = low; codePoint <= high; codePoint++)
            {
                entry = builder.Split(entry, builder.Text(Escape(codePoint), next));
            }
        }
        return entry;
    }

    /// <summary>A value as it stands, without spaces.</summary>
    public static byte[] Literal(JsonElement value)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions
        {
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
        {
            value.WriteTo(json);
        }
        return stream.ToArray();
    }

    public static byte[] Literal(string text)
    {
        var encoded = JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
        return [(byte)'"', .. encoded.EncodedUtf8Bytes, (byte)'"'];
    }

    /// <summary>Any value.</summary>
    public int Value(int next)
    {
        if (_value is null)
        {
            _value = builder.DeclareRule();
            builder.DefineRule(_value.Value, AnyValue(builder.End));
        }
        return builder.Call(_value.Value, next);
    }

    public int Object(int next)
    {
        if (_object is null)
        {
            _object = builder.DeclareRule();
            builder.DefineRule(_object.Value, AnyObject(builder.End));
        }
        return builder.Call(_object.Value, next);
    }

    public int Array(int next)
    {
        var close = Space(builder.Range(']', ']', next));
        var first = Value(builder.Star(at => Comma(Value(at)), close));
        return builder.Range('[', '[', builder.Split(Space(first), close));
    }

    private int AnyValue(int next)
    {
        var words = builder.Split(
            builder.Text("true", next),
            builder.Split(builder.Text("false", next), builder.Text("null", next)));
        var scalars = builder.Split(words, builder.Split(Numbers.Number(next), String(next)));
        return builder.Split(scalars, builder.Split(AnyObject(next), Array(next)));
    }

    private int AnyObject(int next)
    {
        var close = Space(builder.Range('}', '}', next));
        var first = Pair(builder.Star(at => Comma(Pair(at)), close));
        return builder.Range('{', '{', builder.Split(Space(first), close));
    }

    private int Pair(int next) => String(Colon(Value(next)));

    private int D(int next) => builder.Characters(new CodePoints([('d', 'd'), ('D', 'D')]), next);

    private int Hex(int count, int next)
    {
        for (var i = 0; i < count; i++)
        {
            next = builder.Characters(HexDigits, next);
        }
        return next;
    }

    private static string Escape(int codePoint)
    {
        foreach (var (special, letter) in Letters)
        {
            if (special == codePoint)
            {
                return $"\\{letter}";
            }
        }
        return $"\\u{codePoint:x4}";
    }
}
