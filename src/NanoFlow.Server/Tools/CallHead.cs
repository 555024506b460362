// Reads the start of a call, {"name": "f", "arguments": ..., from text that may not all be there
// yet: up to where the arguments begin, when the name comes first, as models write it.

using System.Text.Json;

namespace NanoFlow.Server.Tools;

internal enum HeadState
{
    /// <summary>More text decides.</summary>
    Open,

    /// <summary>Name and arguments are known; the arguments may go on.</summary>
    Found,

    NotACall,
}

/// <param name="State">What can be said.</param>
/// <param name="Name">Of the function.</param>
/// <param name="Begin">First byte of the arguments; 0: there are none.</param>
/// <param name="End">Behind their last byte; 0: they go on.</param>
/// <param name="Used">Bytes of the call that were read, when the arguments do not go on.</param>
/// <param name="IsClosed">The call itself has ended there.</param>
internal readonly record struct CallHead(
    HeadState State, string? Name, int Begin, int End, int Used, bool IsClosed)
{
    // A name, and what models put before it; arguments before the name must fit, too.
    public const int Longest = 4096;

    private static readonly CallHead NoCall = new(HeadState.NotACall, null, 0, 0, 0, false);
    private static readonly CallHead Undecided = new(HeadState.Open, null, 0, 0, 0, false);

    /// <param name="text">Starts with the opening brace.</param>
    public static CallHead Read(ReadOnlySpan<byte> text)
    {
        var head = text[..Math.Min(text.Length, Longest)];
        try
        {
            var read = ReadJson(head);
            return read.State == HeadState.Open && text.Length >= Longest ? NoCall : read;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return NoCall;
        }
    }

    private static CallHead ReadJson(ReadOnlySpan<byte> text)
    {
        var reader = new Utf8JsonReader(text, isFinalBlock: false, default);
        string? name = null;
        var (begin, end) = (0, 0);
        reader.Read();
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.EndObject)
            {
                var used = (int)reader.BytesConsumed;
                return name is null
                    ? NoCall
                    : new CallHead(HeadState.Found, name, begin, end, used, IsClosed: true);
            }

            var isArguments = reader.ValueTextEquals("arguments")
                || reader.ValueTextEquals("parameters");
            var isName = reader.ValueTextEquals("name");
            var value = Value(text, (int)reader.BytesConsumed);
            if (value < 0)
            {
                return Undecided;
            }

            if (isArguments && name is not null)
            {
                return new CallHead(HeadState.Found, name, value, 0, value, IsClosed: false);
            }

            if (!reader.TrySkip())
            {
                return Undecided;
            }

            if (isArguments)
            {
                (begin, end) = (value, (int)reader.BytesConsumed);
            }

            if (isName)
            {
                name = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
                if (string.IsNullOrEmpty(name))
                {
                    return NoCall;
                }
            }
        }

        return Undecided;
    }

    private static int Value(ReadOnlySpan<byte> text, int from)
    {
        var spaces = text[from..].IndexOfAnyExcept(" \t\r\n"u8);
        return spaces < 0 ? -1 : from + spaces;
    }
}
