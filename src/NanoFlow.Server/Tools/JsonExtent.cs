// Finds where a JSON value ends, byte by byte, by its braces and quotes alone: what models write
// may not be quite valid, and is passed on as it is.

namespace NanoFlow.Server.Tools;

internal struct JsonExtent
{
    private int _depth;
    private bool _isInString;
    private bool _isEscaped;

    /// <summary>The value is an object whose brace has been read.</summary>
    public static JsonExtent WithinObject => new() { _depth = 1 };

    public readonly bool IsBetweenMembers => _depth == 1 && !_isInString;

    /// <summary>Bytes of the text that belong to the value; its length when the value goes on.
    /// </summary>
    /// <param name="text">Goes on where the last call ended.</param>
    /// <param name="hasEnded">The value is complete.</param>
    public int Append(ReadOnlySpan<byte> text, out bool hasEnded)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (IsBehind(text[i]))
            {
                hasEnded = true;
                return i;
            }

            if (IsLast(text[i]))
            {
                hasEnded = true;
                return i + 1;
            }
        }

        hasEnded = false;
        return text.Length;
    }

    // Numbers and words end before what is no part of them.
    private readonly bool IsBehind(byte value) =>
        _depth == 0 && !_isInString
        && value is (byte)',' or (byte)'}' or (byte)']' or (byte)' ' or (byte)'\n'
            or (byte)'\r' or (byte)'\t';

    private bool IsLast(byte value)
    {
        if (_isInString)
        {
            var closes = value == '"' && !_isEscaped;
            _isEscaped = value == '\\' && !_isEscaped;
            _isInString = !closes;
            return closes && _depth == 0;
        }

        switch (value)
        {
            case (byte)'"':
                _isInString = true;
                return false;
            case (byte)'{' or (byte)'[':
                _depth++;
                return false;
            case (byte)'}' or (byte)']':
                return --_depth == 0;
            default:
                return false;
        }
    }
}
