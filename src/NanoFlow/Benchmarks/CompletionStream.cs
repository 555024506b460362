// Reads the events of a streamed completion from the bytes as they come, and notes when text came.
// The client shares its machine with the server it measures, so a piece of text costs no
// allocation: events are read in place, and only lengths are taken from them. As in OpenAI's
// streams, an event is one line that begins with "data:"; other lines are keep-alives.

using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace NanoFlow.Benchmarks;

/// <param name="inputTokens">Of the prompt, unless the server counts them.</param>
/// <param name="maxTokens">That were asked for.</param>
/// <param name="sent">When, as <see cref="Stopwatch.GetTimestamp"/> says it.</param>
internal sealed class CompletionStream(int inputTokens, int maxTokens, long sent)
{
    private const int FirstBufferBytes = 16 << 10;

    private readonly List<float> _gapsMs = [];
    private byte[] _buffer = new byte[FirstBufferBytes];
    private int _end;
    private int _events;
    private int _texts;
    private int? _inputTokens;
    private int? _outputTokens;
    private long _firstChoice;
    private long _firstText;
    private long _lastText;
    private long _done;

    /// <summary>The mark at the end of the stream was read.</summary>
    public bool IsDone => _done != 0;

    /// <summary>Where the next bytes are to be written; not empty.</summary>
    /// <exception cref="RequestFailure">An event is too long.</exception>
    public Memory<byte> Room()
    {
        if (_end == _buffer.Length)
        {
            if (_end >= LoadLimits.EventBytes)
            {
                throw new RequestFailure($"an event has more than {LoadLimits.EventBytes} bytes");
            }
            Array.Resize(ref _buffer, 2 * _end);
        }
        return _buffer.AsMemory(_end);
    }

    /// <param name="count">Of the bytes that were written.</param>
    /// <param name="now">When they came.</param>
    /// <exception cref="RequestFailure">They are no completion, or say that there is none.
    /// </exception>
    public void Take(int count, long now)
    {
        _end += count;
        var bytes = _buffer.AsSpan(0, _end);
        while (!IsDone && bytes.IndexOf((byte)'\n') is >= 0 and var length)
        {
            ReadLine(bytes[..length].TrimEnd((byte)'\r'), now);
            bytes = bytes[(length + 1)..];
        }
        bytes.CopyTo(_buffer);
        _end = IsDone ? 0 : bytes.Length;
    }

    /// <exception cref="RequestFailure">The stream has ended too early.</exception>
    public Answer ToAnswer()
    {
        if (!IsDone)
        {
            throw new RequestFailure("the stream was cut: its end is missing");
        }
        if (_outputTokens is null && _texts > maxTokens)
        {
            throw TooManyTexts();
        }
        // Where all tokens are without text, such as special ones, the first piece counts.
        var first = _firstText != 0 ? _firstText : _firstChoice;
        var outputTokens = _outputTokens ?? _texts;
        if (first == 0 || outputTokens == 0)
        {
            throw new RequestFailure("the answer has no tokens");
        }
        return new Answer(
            _inputTokens ?? inputTokens, outputTokens, Ms(sent, first), Ms(sent, _done), _gapsMs);
    }

    private void ReadLine(ReadOnlySpan<byte> line, long now)
    {
        if (!line.StartsWith("data:"u8))
        {
            return;
        }
        var data = line["data:"u8.Length..].Trim((byte)' ');
        if (data.SequenceEqual("[DONE]"u8))
        {
            _done = now;
            return;
        }
        if (++_events > (long)maxTokens + LoadLimits.OtherEvents)
        {
            throw new RequestFailure($"{_events} events came for at most {maxTokens} tokens");
        }
        try
        {
            ReadEvent(data, now);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new RequestFailure($"an event is no completion: {Encoding.UTF8.GetString(
                data[..Math.Min(data.Length, LoadLimits.MessageLength)])}");
        }
    }

    private void ReadEvent(ReadOnlySpan<byte> data, long now)
    {
        var json = new Utf8JsonReader(data);
        json.Read();
        Expect(json.TokenType == JsonTokenType.StartObject);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("choices"u8))
            {
                ReadChoices(ref json, now);
            }
            else if (json.ValueTextEquals("usage"u8))
            {
                ReadUsage(ref json);
            }
            else if (json.ValueTextEquals("error"u8))
            {
                ReadError(ref json);
            }
            else
            {
                json.Skip();
            }
        }
    }

    private void ReadChoices(ref Utf8JsonReader json, long now)
    {
        json.Read();
        if (json.TokenType == JsonTokenType.Null)
        {
            return;
        }
        Expect(json.TokenType == JsonTokenType.StartArray);
        while (json.Read() && json.TokenType == JsonTokenType.StartObject)
        {
            var hasText = false;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var isText = json.ValueTextEquals("text"u8);
                json.Read();
                hasText |= isText && json.TokenType == JsonTokenType.String
                    && json.ValueSpan.Length > 0;
                json.Skip();
            }
            Note(hasText, now);
        }
    }

    private void Note(bool hasText, long now)
    {
        _firstChoice = _firstChoice == 0 ? now : _firstChoice;
        if (!hasText)
        {
            return;
        }
        _texts++;
        if (_texts > (long)maxTokens + LoadLimits.OtherEvents)
        {
            throw TooManyTexts();
        }
        if (_firstText == 0)
        {
            _firstText = now;
        }
        else
        {
            _gapsMs.Add((float)Ms(_lastText, now));
        }
        _lastText = now;
    }

    // Null in all events but the last.
    private void ReadUsage(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType == JsonTokenType.Null)
        {
            return;
        }
        Expect(json.TokenType == JsonTokenType.StartObject);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("prompt_tokens"u8))
            {
                _inputTokens = ReadCount(ref json, LoadLimits.Tokens, "prompt_tokens");
            }
            else if (json.ValueTextEquals("completion_tokens"u8))
            {
                _outputTokens = ReadCount(ref json, maxTokens, "completion_tokens");
            }
            else
            {
                json.Skip();
            }
        }
    }

    private static int ReadCount(ref Utf8JsonReader json, int most, string name)
    {
        json.Read();
        return json.TryGetInt32(out var count) && count >= 0 && count <= most
            ? count
            : throw new RequestFailure($"usage.{name} is not 0 to {most}");
    }

    private static void ReadError(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.Null)
        {
            using var error = JsonDocument.ParseValue(ref json);
            throw new RequestFailure($"an error in the stream: {ErrorText.Of(error.RootElement)}");
        }
    }

    private RequestFailure TooManyTexts() =>
        new($"{_texts} pieces of text came for at most {maxTokens} tokens");

    private static void Expect(bool isSo)
    {
        if (!isSo)
        {
            throw new JsonException();
        }
    }

    private static double Ms(long begin, long end) =>
        Stopwatch.GetElapsedTime(begin, end).TotalMilliseconds;
}
