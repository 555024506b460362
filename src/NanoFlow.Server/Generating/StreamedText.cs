// The answer as events, a chunk for each new piece of text. Each choice is followed by its own
// loop; they take turns at the stream. A failure after the headers is an event with an error, then
// a closed connection without an end mark: no client can take that for a complete answer.

using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Protocol;
using NanoFlow.Server.Responses;

namespace NanoFlow.Server.Generating;

internal sealed class StreamedText
{
    private readonly TextRun _run;
    private readonly ResponseHead _head;
    private readonly EventStream _events;
    private readonly CancellationToken _gone;

    private StreamedText(TextRun run, ResponseHead head, EventStream events, CancellationToken gone)
    {
        _run = run;
        _head = head;
        _events = events;
        _gone = gone;
    }

    private IWireFormat Format => _run.Request.Format;

    public static async Task WriteAsync(
        HttpContext context, ServerOptions options, TextRun run, ResponseHead head)
    {
        await using var events =
            await EventStream.StartAsync(context, options.Time, options.KeepAlive);
        var stream = new StreamedText(run, head, events, context.RequestAborted);
        try
        {
            await stream.OpenAsync();
            await Task.WhenAll(run.Choices.Select(stream.FollowAsync));
            await stream.CloseAsync();
        }
        catch (RequestRefusedException e)
        {
            await stream.FailAsync(e.Error);
            throw;
        }
    }

    private async Task OpenAsync()
    {
        using var turn = await _events.EnterAsync();
        foreach (var choice in _run.Choices)
        {
            if (Format.HasOpening)
            {
                WriteChunk(choice, Format.WriteOpening);
            }

            if (_run.Request.PromptOf(choice.Index).Echo is { } echo)
            {
                var text = Encoding.UTF8.GetBytes(echo);
                WriteChunk(choice, json => Format.WritePiece(json, text));
            }
        }

        await _events.FlushAsync();
    }

    private async Task FollowAsync(Choice choice)
    {
        try
        {
            while (await _run.WaitAsync(choice, _gone))
            {
                using var turn = await _events.EnterAsync();
                await WriteReadyAsync(choice);
            }
        }
        catch
        {
            // One failed choice fails the answer: the others need not run to their end.
            _run.Cancel();
            throw;
        }

        using var last = await _events.EnterAsync();
        WriteText(choice);
        WriteChunk(choice, json => Format.WritePiece(json, []), choice.FinishReason);
        await _events.FlushAsync();
    }

    // One chunk a token, one flush for all that are there.
    private async Task WriteReadyAsync(Choice choice)
    {
        var wrote = false;
        while (_run.TryAppend(choice))
        {
            wrote |= WriteText(choice);
        }

        if (wrote)
        {
            await _events.FlushAsync();
        }
    }

    private bool WriteText(Choice choice)
    {
        if (choice.Ready.IsEmpty)
        {
            return false;
        }

        var json = BeginChunk(choice);
        Format.WritePiece(json, choice.Ready);
        EndChunk(json, choice, null);
        choice.Take();
        return true;
    }

    private void WriteChunk(Choice choice, Action<Utf8JsonWriter> fields, string? finish = null)
    {
        var json = BeginChunk(choice);
        fields(json);
        EndChunk(json, choice, finish);
    }

    private Utf8JsonWriter BeginChunk(Choice choice)
    {
        var json = _events.Begin();
        _head.Write(json, Format.ChunkName);
        json.WriteStartArray("choices"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, choice.Index);
        return json;
    }

    private void EndChunk(Utf8JsonWriter json, Choice choice, string? finish)
    {
        json.WritePropertyName("logprobs"u8);
        _run.Request.WriteLogProbs(json, choice);
        json.WriteString("finish_reason"u8, finish);
        json.WriteEndObject();
        json.WriteEndArray();
        WriteUsage(json, isLast: false);
        _events.End();
    }

    // With include_usage every chunk has the field; only the last has numbers, unless the client
    // wants them all the time.
    private void WriteUsage(Utf8JsonWriter json, bool isLast)
    {
        var stream = _run.Request.Settings.Stream;
        if (isLast || stream.ContinuousUsage)
        {
            _run.Usage.Write(json);
        }
        else if (stream.IncludeUsage)
        {
            json.WriteNull("usage"u8);
        }
    }

    private async Task CloseAsync()
    {
        using var turn = await _events.EnterAsync();
        if (_run.Request.Settings.Stream.IncludeUsage)
        {
            var json = _events.Begin();
            _head.Write(json, Format.ChunkName);
            json.WriteStartArray("choices"u8);
            json.WriteEndArray();
            WriteUsage(json, isLast: true);
            _events.End();
        }

        _events.WriteDone();
        await _events.FlushAsync();
    }

    private async Task FailAsync(ApiError error)
    {
        using var turn = await _events.EnterAsync();
        JsonResponse.WriteError(_events.Begin(), error);
        _events.End();
        await _events.FlushAsync();
    }
}
