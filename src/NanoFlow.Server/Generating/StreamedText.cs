// The answer as events. Each choice is followed by its own loop; they take turns at the stream.
// What the events look like is the format's business.

using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Protocol;
using NanoFlow.Server.Responses;

namespace NanoFlow.Server.Generating;

internal sealed class StreamedText
{
    private readonly Answer _answer;
    private readonly EventStream _stream;
    private readonly IAnswerEvents _events;
    private readonly CancellationToken _gone;

    private StreamedText(Answer answer, EventStream stream, CancellationToken gone)
    {
        _answer = answer;
        _stream = stream;
        _events = answer.Request.Format.Begin(answer, stream);
        _gone = gone;
    }

    public static async Task WriteAsync(HttpContext context, ServerOptions options, Answer answer)
    {
        await using var stream =
            await EventStream.StartAsync(context, options.Time, options.KeepAlive);
        var text = new StreamedText(answer, stream, context.RequestAborted);
        try
        {
            await text.WriteAsync(events => events.Open());
            await Task.WhenAll(answer.Choices.Select(text.FollowAsync));
            await text.WriteAsync(events => events.Close());
        }
        catch (RequestRefusedException e)
        {
            await text.WriteAsync(events => events.Fail(e.Error));
            throw;
        }
    }

    private async Task WriteAsync(Action<IAnswerEvents> write)
    {
        using var turn = await _stream.EnterAsync();
        write(_events);
        await _stream.FlushAsync();
    }

    private async Task FollowAsync(Choice choice)
    {
        try
        {
            while (await _answer.Run.WaitAsync(choice, _gone))
            {
                using var turn = await _stream.EnterAsync();
                await WriteReadyAsync(choice);
            }
        }
        catch
        {
            // One failed choice fails the answer: the others need not run to their end.
            _answer.Run.Cancel();
            throw;
        }

        using var last = await _stream.EnterAsync();
        WritePieces(choice);
        _events.Finish(choice);
        choice.Take();
        await _stream.FlushAsync();
    }

    // Token by token, one flush for all that are there.
    private async Task WriteReadyAsync(Choice choice)
    {
        var wrote = WritePieces(choice);
        while (_answer.Run.TryAppend(choice))
        {
            wrote |= WritePieces(choice);
        }

        if (wrote)
        {
            await _stream.FlushAsync();
        }
    }

    private bool WritePieces(Choice choice)
    {
        if (choice.Pieces.Count == 0)
        {
            return false;
        }

        _events.Write(choice);
        choice.Take();
        return true;
    }
}
